/** Batches whose values name their schema. */
import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import type { BatchResult, SchemaText } from '../../src/core/flow.js';
import type { ValueFormat } from '../../src/registry/settings.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { BatchProcessor } from '../../src/worker/worker.js';
import { avroType, decimalBytes, framed } from '../support/avro.js';
import { TOPIC, temporaryDirectory } from '../support/batches.js';
import { chunkOfValues } from '../support/chunks.js';

const ORDER = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'change_id', type: 'string' },
    { name: 'order_id', type: ['null', 'string'] },
    { name: 'amount', type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }] },
    { name: 'event_time', type: ['null', { type: 'long', logicalType: 'timestamp-millis' }] },
    { name: 'added', type: ['null', 'long'] },
  ],
};
const TYPE = avroType(ORDER);
const avro = (id: number, fields: object) => {
  const none = { order_id: 'o', amount: null, event_time: null, added: null };
  return framed(id, TYPE.toBuffer({ ...none, ...fields }));
};
const SCHEMAS: SchemaText[] = [7, 8].map((id) => ({ ref: id, id, text: JSON.stringify(ORDER), references: [] }));

/** One batch, in two chunks. */
async function batch(
  valueFormat: ValueFormat,
  values: readonly (Uint8Array | null)[],
  schemas: readonly SchemaText[] = [],
): Promise<BatchResult> {
  const processor = await BatchProcessor.create({
    ...{ spec: ORDERS_SPEC, topic: TOPIC, dataDir: temporaryDirectory(), parquetWriter: 'duckdb', compression: 'none' },
    ...{ highValueThreshold: '1000', lateAfterMs: 0, batchRows: 4096, batchBytes: 1 << 20, mergeFrom: 'arrow' },
    valueFormat,
  });
  const half = values.length >> 1;
  const chunks = [chunkOfValues(values.slice(0, half)), chunkOfValues(values.slice(half), half)];
  return processor.process({
    ...{ partition: 0, startOffset: 0, nextOffset: values.length, leaderEpoch: undefined, schemas },
    ...{ issueBits: ORDERS_SPEC.columns.map((_, index) => index), chunks: chunks.map((chunk) => chunk.handle()) },
  });
}

const rowsOf = ({ arrow }: BatchResult) =>
  tableFromIPC(arrow!)
    .toArray()
    .map((row) => row.toJSON());
const reasons = ({ quarantined }: BatchResult) =>
  quarantined.map(({ offset, status, position, column }) => [offset, status, position, column]);

describe('JSON Schema', () => {
  it('is read behind its frame, and what has none is told by its offset', async () => {
    const json = (text: string) => framed(300, text);
    const values = [
      json('{"change_id":"a","order_id":"1"}'),
      Buffer.from('{"change_id":"b","order_id":"2"}'),
      null,
      Buffer.from([0, 0, 0]),
      Buffer.alloc(0),
      json('{"change_id":"c","order_id":"3","added":[1]}'),
      json('{"change_id":"d",}'),
      json('{"order_id":"4"}'),
      json(''),
      framed(-1, '{"change_id":"e","order_id":"5"}'),
      framed(301, ' {"change_id":"f","order_id":"6"}'),
    ];
    const result = await batch('json-schema', values);
    expect(rowsOf(result).map(({ change_id, kafka_offset, extra }) => [change_id, kafka_offset, extra])).toEqual([
      ['a', 0n, null],
      ['c', 5n, '{"added":[1]}'],
      ['f', 10n, null],
    ]);
    expect(reasons(result)).toEqual([
      [1, 'not_framed', 0, undefined],
      [3, 'not_framed', -1, undefined],
      [4, 'not_framed', -1, undefined],
      // The byte of the whole value.
      [6, 'malformed', 5 + 17, undefined],
      [7, 'missing_required', -1, 'change_id'],
      [8, 'malformed', 5, undefined],
      [9, 'not_framed', 1, undefined],
    ]);
    expect(result.quarantined[0].value).toEqual(new Uint8Array(values[1]!));
    expect(result.quarantined[3].value).toEqual(new Uint8Array(values[6]!));
    expect(result.schemaIds).toEqual([300, 301]);
    expect(result.stats).toMatchObject({
      messages: 11,
      ok: 3,
      tombstone: 1,
      quarantined: 7,
      not_framed: 4,
      malformed: 2,
    });
  });
});

describe('Avro', () => {
  it('becomes the columns of the spec, and extra has the rest', async () => {
    const values = [
      avro(7, { change_id: 'a', amount: decimalBytes(-123_456n), event_time: 1_700_000_000_123n, added: 2n ** 60n }),
      avro(8, { change_id: 'b' }),
    ];
    const result = await batch('avro', values, SCHEMAS);
    const [first, second] = rowsOf(result);
    expect(first).toMatchObject({ change_id: 'a', order_id: 'o', extra: `{"added":${2n ** 60n}}`, issues: 0n });
    expect(Number(first.event_time)).toBe(1_700_000_000_123);
    expect(String(first.amount)).toBe('-12345600');
    expect(second).toMatchObject({ change_id: 'b', amount: null, issues: 0n });
    expect(result.schemaIds).toEqual([7, 8]);
  });

  it('that cannot be read is told by what it is, and kept byte for byte', async () => {
    const good = avro(7, { change_id: 'a' });
    const values = [
      good,
      good.subarray(0, -1),
      Buffer.from('{"change_id":"b"}'),
      avro(9, { change_id: 'c' }),
      null,
      avro(7, { change_id: 'd', order_id: null }),
      framed(7, ''),
      avro(7, { change_id: 'e' }),
      // Not UTF-8: of which byte the JSON would be to blame, nobody knows.
      Buffer.concat([good.subarray(0, 5), Buffer.from([2, 0xff]), good.subarray(7)]),
    ];
    const unusable = { ref: 9, id: 9, text: undefined, references: [] };
    const result = await batch('avro', values, [...SCHEMAS, unusable]);
    expect(rowsOf(result).map(({ change_id, kafka_offset }) => [change_id, kafka_offset])).toEqual([
      ['a', 0n],
      ['e', 7n],
    ]);
    expect(reasons(result)).toEqual([
      [1, 'malformed', good.length - 1, undefined],
      [2, 'not_framed', 0, undefined],
      [3, 'unknown_schema', -1, undefined],
      [5, 'missing_required', -1, 'order_id'],
      [6, 'malformed', 5, undefined],
      [8, 'malformed', -1, undefined],
    ]);
    for (const { offset, value } of result.quarantined) expect(value).toEqual(new Uint8Array(values[offset]!));
    expect(result.stats).toMatchObject({ messages: 9, ok: 2, malformed: 3, unknown_schema: 1, tombstone: 1 });
  });
});
