/** A table without change ids: a message is its topic, partition and offset, and the ledger takes each once. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { specJson, type TableSpec } from '../../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../../src/schema/spec-file.js';
import { DuckDbSink } from '../../../src/sinks/duckdb/sink.js';
import { makeBatch, openSink, select, sinkOptions, temporaryDirectory } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';
import { content, database, recovered, verified } from '../../support/recovering.js';

const SPEC = parseSpec(
  JSON.stringify({
    table: 'cdc_orders',
    view: 'orders',
    columns: [
      { name: 'order_id', kind: 'text', required: true, role: 'key' },
      { name: 'operation', kind: 'text', role: 'operation' },
      { name: 'amount', kind: 'amount', role: 'amount' },
    ],
  }),
  'of the test',
);

const change = (order_id: string, operation: string, amount = 1) => JSON.stringify({ order_id, operation, amount });
const GROUPS = [
  [change('a', 'insert'), change('a', 'insert'), change('snapshot:1', 'snapshot_begin'), '{', null],
  [change('a', 'snapshot', 2), change('snapshot:1', 'snapshot_end'), change('b', 'delete'), change('a', 'snapshot', 2)],
];

const ROWS = 'SELECT order_id, operation, kafka_partition, kafka_offset, change_seq FROM cdc_orders ORDER BY 3, 4';
const WANTED = [
  ['a', 'insert', 0, 0n, 0n],
  ['a', 'insert', 0, 1n, 0n],
  ['a', 'snapshot', 0, 5n, 0n],
  ['b', 'delete', 0, 7n, 0n],
  ['a', 'snapshot', 0, 8n, 0n],
];
const MARKERS = 'SELECT change_id, snapshot, operation FROM sluice.markers ORDER BY ALL';
const WANTED_MARKERS = [
  ['0-2', 'snapshot:1', 'snapshot_begin'],
  ['0-6', 'snapshot:1', 'snapshot_end'],
];
const COUNTS = [
  { merged: 2, duplicate: 0, marker: 1, quarantined: 1, tombstone: 1 },
  { merged: 3, duplicate: 0, marker: 1 },
];

function specFile(dataDir: string): string {
  const path = join(dataDir, 'spec.json');
  writeFileSync(path, specJson(SPEC));
  return path;
}

async function write(sink: DuckDbSink, dataDir: string, spec: TableSpec): Promise<void> {
  let offset = 0;
  for (const [index, values] of GROUPS.entries()) {
    await sink.stage(await makeBatch(dataDir, 0, offset, values, { spec }));
    expect(await sink.commit()).toMatchObject({ stats: COUNTS[index] });
    offset += values.length;
  }
}

describe.each(['parquet', 'arrow'] as const)('without a change id, MERGE_FROM=%s', (mergeFrom) => {
  it('each message is taken once, those of equal content as well, and all commands work', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir, { spec: SPEC, mergeFrom });
    await write(sink, dataDir, SPEC);
    expect(await select(sink, ROWS)).toEqual(WANTED);
    expect(await select(sink, MARKERS)).toEqual(WANTED_MARKERS);
    expect(await select(sink, 'SELECT order_id, kafka_offset FROM orders')).toEqual([['a', 8n]]);
    expect(await sink.compact({ everything: true })).toMatchObject({ filesBefore: 2, filesAfter: 1 });
    const before = await content(sink);
    await sink.close();
    expect(await verified(dataDir)).toMatchObject({ problems: [] });
    rmSync(database(dataDir));
    expect(await recovered(dataDir, 'fromParquet', { TABLE_SPEC: specFile(dataDir) })).toMatchObject({ ok: true });
    expect((await verified(dataDir)).problems).toEqual([]);
    const again = new DuckDbSink(sinkOptions(dataDir, { spec: SPEC, mergeFrom }));
    await again.open();
    expect((await content(again)).rows).toEqual(before.rows);
    await again.close();
  });
});

it('verify finds a message that is there twice', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir, { spec: SPEC });
  await write(sink, dataDir, SPEC);
  await select(sink, 'INSERT INTO cdc_orders FROM cdc_orders WHERE kafka_offset = 5');
  await sink.close();
  expect((await verified(dataDir)).problems).toContain('partition 0, offset 5 is there 2 times');
});

it.each([
  [SPEC, ORDERS_SPEC, /without a change id, the table spec has the table cdc_orders with the change id change_id/],
  [ORDERS_SPEC, SPEC, /with the change id change_id, the table spec has the table cdc_orders without a change id/],
])('identity stays what it was', async (first, second, message) => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir, { spec: first });
  await sink.close();
  const changed = new DuckDbSink(sinkOptions(dataDir, { spec: second }));
  await expect(changed.open()).rejects.toMatchObject({
    code: 'SLUICE_SPEC_CHANGED',
    message: expect.stringMatching(message),
  });
});

it.skipIf(whyNoExtensions() !== undefined)('in a lake as well', async () => {
  const options = { ...lakeOptions(temporaryDirectory()), spec: SPEC };
  const sink = await openLakeSink(options);
  const [{ epoch }] = await sink.claim([0]);
  let offset = 0;
  for (const [index, values] of GROUPS.entries()) {
    await sink.stage(await makeLakeBatch(options, 0, offset, values, { epoch }));
    expect(await sink.commit()).toMatchObject({ stats: COUNTS[index] });
    offset += values.length;
  }
  expect(await select(sink, ROWS)).toEqual(WANTED);
  expect(await select(sink, MARKERS)).toEqual(WANTED_MARKERS);
  expect(await select(sink, 'SELECT order_id, kafka_offset FROM orders')).toEqual([['a', 8n]]);
});
