/** Batches whose values name their schema. */
import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import type { BatchResult, SchemaText } from '../../src/core/flow.js';
import type { FormatSettings } from '../../src/registry/framed-messages.js';
import { loadSpec } from '../../src/schema/load-spec.js';
import type { TableSpec } from '../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../src/schema/spec-file.js';
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

interface Keys {
  readonly keys: readonly (Uint8Array | null)[];
  readonly keyFormat: FormatSettings['keyFormat'];
  readonly keySchemas?: readonly SchemaText[];
  readonly spec: TableSpec;
}

/** One batch, in two chunks. */
async function batch(
  valueFormat: FormatSettings['valueFormat'],
  values: readonly (Uint8Array | null)[],
  schemas: readonly SchemaText[] = [],
  { keys, keyFormat, keySchemas, spec }: Keys = { keys: [], keyFormat: 'json', spec: ORDERS_SPEC },
): Promise<BatchResult> {
  const processor = await BatchProcessor.create({
    ...{ spec, topic: TOPIC, dataDir: temporaryDirectory(), parquetWriter: 'duckdb', compression: 'none' },
    ...{ highValueThreshold: '1000', lateAfterMs: 0, batchRows: 4096, batchBytes: 1 << 20, mergeFrom: 'arrow' },
    ...{ valueFormat, keyFormat },
  });
  const half = values.length >> 1;
  const chunks = [
    chunkOfValues(values.slice(0, half), 0, keys.slice(0, half)),
    chunkOfValues(values.slice(half), half, keys.slice(half)),
  ];
  return processor.process({
    ...{ partition: 0, startOffset: 0, nextOffset: values.length, leaderEpoch: undefined, schemas, keySchemas },
    ...{ issueBits: spec.columns.map((_, index) => index), chunks: chunks.map((chunk) => chunk.handle()) },
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

describe('keys', () => {
  const KEY = { type: 'record', name: 'Key', fields: [{ name: 'order_id', type: 'long' }] };
  const key = (id: number, orderId: number) => framed(id, avroType(KEY).toBuffer({ order_id: orderId }));
  const keySchemas: SchemaText[] = [{ ref: 3, id: 3, text: JSON.stringify(KEY), references: [] }];
  const row = { type: 'record', name: 'Row', fields: [{ name: 'order_id', type: 'long' }] };
  const fields = ['before', 'after'].map((name, index) => ({ name, type: ['null', index === 0 ? row : 'Row'] }));
  const ENVELOPE = { type: 'record', name: 'Envelope', fields: [...fields, { name: 'op', type: 'string' }] };
  const envelopes: SchemaText[] = [{ ref: 9, id: 9, text: JSON.stringify(ENVELOPE), references: [] }];
  const value = (envelope: object) =>
    framed(9, avroType(ENVELOPE).toBuffer({ before: null, after: null, ...envelope }));
  const debezium = loadSpec('preset:debezium');
  const ids = (result: BatchResult) => rowsOf(result).map(({ order_id, operation }) => [order_id, operation]);

  it('in Avro, as Debezium writes them: a tombstone has no more', async () => {
    const values = [value({ op: 'c', after: { order_id: 1 } }), value({ op: 'd' }), null, null];
    const keys = [key(3, 1), key(3, 2), key(3, 3), null];
    const result = await batch('avro', values, envelopes, { keys, keyFormat: 'avro', keySchemas, spec: debezium });
    expect(ids(result)).toEqual([
      ['1', 'insert'],
      ['2', 'delete'],
      ['3', 'delete'],
    ]);
    expect(reasons(result)).toEqual([[3, 'missing_required', -1, 'order_id']]);
    expect(result.schemaIds).toEqual([3, 9]);
  });

  it.each(['avro', 'json-schema'] as const)('in %s that cannot be read are told, and kept', async (keyFormat) => {
    const good = keyFormat === 'avro' ? key(3, 1) : framed(3, '{"order_id":1}');
    const keys = [Buffer.from('{"order_id":1}'), Buffer.alloc(0), good, framed(3, ''), key(4, 1), good];
    const values = keys.map((_, index) => Buffer.from(index === 5 ? '{"op":"c",}' : '{"op":"d"}'));
    const result = await batch('json', values, [], { keys, keyFormat, keySchemas, spec: debezium });
    expect(ids(result)).toEqual([['1', 'delete']]);
    expect(reasons(result)).toEqual([
      [0, 'not_framed', -1, undefined],
      [1, 'not_framed', -1, undefined],
      [3, 'malformed', -1, undefined],
      [4, keyFormat === 'avro' ? 'unknown_schema' : 'malformed', -1, undefined],
      [5, 'malformed', 10, undefined],
    ]);
    for (const { offset, key: kept } of result.quarantined) expect(kept).toEqual(new Uint8Array(keys[offset]));
    expect(result.stats).toMatchObject({ not_framed: 2, quarantined: 5, ok: 1 });
  });

  it('whose value cannot be read either are told by it', async () => {
    const [values, keys] = [[Buffer.from('{}')], [Buffer.from('{}')]];
    const result = await batch('avro', values, [], { keys, keyFormat: 'avro', spec: debezium });
    expect(reasons(result)).toEqual([[0, 'not_framed', 0, undefined]]);
  });

  describe('all of them as a column', () => {
    const whole = (kind: string) => {
      const column = { name: 'id', path: { key: [] }, kind, required: true, role: kind === 'text' ? 'key' : undefined };
      const other = { name: 'other', kind: 'text', required: true, role: 'key' };
      const columns = kind === 'text' ? [column] : [column, other];
      return parseSpec(JSON.stringify({ table: 't', view: 'v', columns }), 'test');
    };
    const text: SchemaText = { ref: 1, id: 1, text: '["null","string"]', references: [] };
    const avroText = framed(1, Buffer.concat([Buffer.from([2, 6]), Buffer.from('a"b')]));

    it.each([
      ['text', 'a"b'],
      ['json', '"a\\"b"'],
    ])('a string in Avro as %s', async (kind, expected) => {
      const keys = [avroText, key(3, 7), Buffer.alloc(0)];
      const values = keys.map(() => Buffer.from('{"other":"o"}'));
      const of = { keys, keyFormat: 'avro', keySchemas: [text, ...keySchemas], spec: whole(kind) } as const;
      const result = await batch('json', values, [], of);
      expect(rowsOf(result).map(({ id }) => id)).toEqual([expected, '{"order_id":7}']);
      expect(reasons(result)).toEqual([[2, 'not_framed', -1, undefined]]);
    });

    it('JSON as text, without blanks for the frame', async () => {
      const keys = [framed(1, '"a"'), Buffer.from('"b"'), framed(2, 'c')];
      const values = keys.map(() => Buffer.from('{}'));
      const result = await batch('json', values, [], { keys, keyFormat: 'json-schema', spec: whole('text') });
      expect(rowsOf(result).map(({ id }) => id)).toEqual(['"a"', 'c']);
      expect(reasons(result)).toEqual([[1, 'not_framed', -1, undefined]]);
      expect(result.schemaIds).toEqual([1, 2]);
    });
  });
});
