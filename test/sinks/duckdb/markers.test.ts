/** Markers of snapshots are no changes: they have a table and a counter of their own. */
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { markerMessage } from '../../../src/capture/envelope.js';
import { rowsOf } from '../../../src/core/sql.js';
import { specJson, type TableSpec } from '../../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../../src/schema/spec-file.js';
import { DuckDbSink } from '../../../src/sinks/duckdb/sink.js';
import {
  makeBatch,
  openSink,
  order,
  select,
  sinkOptions,
  TOPIC,
  temporaryDirectory,
  token,
} from '../../support/batches.js';
import { content, recovered, verified } from '../../support/recovering.js';
import { changeDatabase } from '../../support/verifying.js';

const TIME = '6A00001000000001';
const marker = (end: 'begin' | 'end', partition = 0) =>
  markerMessage({ source: 'shop.orders', time: TIME }, end, partition).value.toString();
const change = (n: number, order_id: string, operation = 'insert') =>
  order(token(0x6a000000 + n), { operation, order_id, order_id_type: 'string' });

const MARKERS = 'SELECT partition_id, message_offset, operation, snapshot FROM sluice.markers ORDER BY ALL';
const PRESENT = 'SELECT order_id FROM orders ORDER BY ALL';
const COUNTERS = `SELECT partition_id, start_offset, rows_consumed, rows_merged, rows_duplicate, rows_quarantined,
  rows_tombstone, rows_marker FROM sluice.batches ORDER BY ALL`;
const BEGIN = [0, 2n, 'snapshot_begin', `snapshot:${TIME}`];
const END = [0, 4n, 'snapshot_end', `snapshot:${TIME}`];

/** A snapshot in two groups, its beginning and a document again in the second, and a batch without markers. */
const GROUPS = [
  [change(1, 'a'), change(2, 'b'), marker('begin'), change(3, 'a', 'snapshot')],
  [marker('end'), marker('begin'), change(3, 'a', 'snapshot'), '{', null, marker('end')],
  [change(4, 'c', 'snapshot_ended')],
];

async function write(sink: DuckDbSink, dataDir: string, spec?: TableSpec): Promise<unknown[]> {
  const stats: unknown[] = [];
  let offset = 0;
  for (const values of GROUPS) {
    await sink.stage(await makeBatch(dataDir, 0, offset, values, { spec }));
    stats.push((await sink.commit()).stats);
    offset += values.length;
  }
  return stats;
}

describe.each(['parquet', 'arrow'] as const)('a commit, MERGE_FROM=%s', (mergeFrom) => {
  it('keeps markers apart from changes, each once, and counts them apart', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir, { mergeFrom });
    expect(await write(sink, dataDir)).toMatchObject([
      { ok: 4, merged: 3, marker: 1, duplicate: 0 },
      { ok: 4, merged: 0, marker: 1, duplicate: 3, quarantined: 1, tombstone: 1 },
      { ok: 1, merged: 1, marker: 0, duplicate: 0 },
    ]);
    expect(await select(sink, MARKERS)).toEqual([BEGIN, END]);
    expect(await select(sink, COUNTERS)).toEqual([
      [0, 0n, 4n, 3n, 0n, 0n, 0n, 1n],
      [0, 4n, 6n, 0n, 3n, 1n, 1n, 1n],
      [0, 10n, 1n, 1n, 0n, 0n, 0n, 0n],
    ]);
    expect(await select(sink, 'SELECT kafka_offset FROM cdc_orders ORDER BY 1')).toEqual([[0n], [1n], [3n], [10n]]);
    expect(await select(sink, PRESENT)).toEqual([['a'], ['c']]);
    await sink.close();
    expect((await verified(dataDir)).problems).toEqual([]);
  });
});

it('a marker is known again after a start, with change ids that do not tell', async () => {
  const dataDir = temporaryDirectory();
  const [begin, end] = [marker('begin'), marker('end')].map((value) => value.replace('"82', '"x82'));
  const first = await openSink(dataDir);
  await first.stage(await makeBatch(dataDir, 0, 0, [begin, end]));
  expect(await first.commit()).toMatchObject({ stats: { merged: 0, marker: 2 } });
  await first.close();
  const second = await openSink(dataDir);
  await second.stage(await makeBatch(dataDir, 0, 2, [begin, begin, change(1, 'a')]));
  expect(await second.commit()).toMatchObject({ stats: { merged: 1, marker: 0, duplicate: 2 } });
});

it('the view can be read from another database, under another name', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await write(sink, dataDir);
  await sink.close();
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`ATTACH '${join(dataDir, 'analytics.db')}' AS shop (READ_ONLY)`);
  expect(await rowsOf(connection, 'SELECT order_id FROM shop.orders ORDER BY 1')).toEqual([
    { order_id: 'a' },
    { order_id: 'c' },
  ]);
  connection.closeSync();
  instance.closeSync();
});

it('without a role operation there are none; once the spec has it, those in the table are moved', async () => {
  const dataDir = temporaryDirectory();
  const json = JSON.parse(specJson(ORDERS_SPEC)) as { columns: { name: string; role?: string }[] };
  delete json.columns.find(({ name }) => name === 'operation')!.role;
  const spec = parseSpec(JSON.stringify(json), 'test');
  const first = await openSink(dataDir, { spec });
  await write(first, dataDir, spec);
  expect(await select(first, MARKERS)).toEqual([]);
  await first.close();
  expect((await verified(dataDir)).problems).toEqual([]);
  const second = new DuckDbSink(sinkOptions(dataDir));
  await second.open();
  expect(await select(second, MARKERS)).toEqual([BEGIN, END]);
  expect(await select(second, PRESENT)).toEqual([['a'], ['c']]);
  await second.close();
  expect((await verified(dataDir)).problems).toEqual([]);
});

it("columns may have the names of Sluice's own", async () => {
  const dataDir = temporaryDirectory();
  const names = ['topic', 'partition_id', 'message_offset', 'start_offset', 'next_offset', 'markers', 'rows_marker'];
  const columns = (role: object) => [
    { name: 'operation', path: 'change_id', kind: 'text', required: true, role: 'change_id' },
    { name: 'change_id', path: 'order_id', kind: 'text', required: true, role: 'key' },
    { name: 'snapshot', path: 'operation', kind: 'text', ...role },
    ...names.map((name) => ({ name, kind: 'text' })),
  ];
  const specs = [{}, { role: 'operation' }].map((role) =>
    parseSpec(JSON.stringify({ table: 'markers', view: 'orders', columns: columns(role) }), 'test'),
  );
  let offset = 0;
  for (const spec of specs) {
    const sink = await openSink(dataDir, { spec });
    const values = ['begin', 'end'].map((end) =>
      order(`${end}${offset}`, { operation: `snapshot_${end}`, order_id: `snapshot:${offset}`, topic: 'x' }),
    );
    await sink.stage(await makeBatch(dataDir, 0, offset, [...values, order(`c${offset}`)], { spec }));
    await sink.commit();
    offset += 3;
    await sink.close();
  }
  const sink = await openSink(dataDir, { spec: specs[1] });
  const expected = [0n, 1n, 3n, 4n].map((at) => [
    0,
    at,
    `snapshot_${at % 3n === 0n ? 'begin' : 'end'}`,
    `snapshot:${at < 3n ? 0 : 3}`,
  ]);
  expect(await select(sink, MARKERS)).toEqual(expected);
  expect(await select(sink, 'SELECT operation FROM markers ORDER BY ALL')).toEqual([['c0'], ['c3']]);
  await sink.close();
  expect((await verified(dataDir)).problems).toEqual([]);
});

it.each([false, true])('recover --from-parquet tells them apart; files joined: %s', async (joined) => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await write(sink, dataDir);
  if (joined) await sink.compact({ everything: true });
  const [before, markers] = [await content(sink), await select(sink, 'FROM sluice.markers ORDER BY ALL')];
  await sink.close();
  await changeDatabase(dataDir, 'DROP SCHEMA sluice CASCADE');
  const { text } = await recovered(dataDir, 'fromParquet', { KAFKA_TOPIC: TOPIC });
  expect(text).toContain('4 rows merged, 3 duplicates, 2 markers of snapshots\n');
  expect((await verified(dataDir)).problems).toEqual([]);
  const after = await openSink(dataDir);
  expect(await content(after)).toEqual(before);
  expect(await select(after, 'FROM sluice.markers ORDER BY ALL')).toEqual(markers);
});
