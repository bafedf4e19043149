/** What forgetting a key changes in a lake with its catalog in a file, and what a failure leaves. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SluiceError } from '../../../src/core/errors.js';
import { REPLAYS } from '../../../src/sinks/duckdb/replay-tables.js';
import { openRetention } from '../../../src/sinks/duckdb/retention-tables.js';
import { LakeForget, type LakeForgetOptions } from '../../../src/sinks/ducklake/forget.js';
import { METADATA } from '../../../src/sinks/ducklake/lake.js';
import type { DuckLakeSink, DuckLakeSinkOptions } from '../../../src/sinks/ducklake/sink.js';
import { listFiles } from '../../../src/storage/data-dir.js';
import { order, select, temporaryDirectory } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { failAt } from '../../support/failing-statement.js';
import { lakeOptions, makeLakeBatch, onLake, openLakeSink, problems } from '../../support/lakes.js';

const KEY = 'zz-planted-4711';
const AMOUNT = 98_765;
const of = (order_id: string, changeId: string, fields = {}) => order(changeId, { order_id, ...fields });

/** Rows of the key in two partitions, a duplicate of one of them, and quarantined messages. */
async function written(more: Partial<DuckLakeSinkOptions> = {}, before?: (sink: DuckLakeSink) => Promise<unknown>) {
  const options: DuckLakeSinkOptions = {
    ...lakeOptions(temporaryDirectory()),
    keepSnapshotsMs: 86_400_000,
    compaction: { afterFiles: 4, targetBytes: 1 << 20, compression: 'none' },
    ...more,
  };
  const sink = await openLakeSink(options);
  await before?.(sink);
  const commit = async (partition: number, start: number, values: string[]) => {
    await sink.stage(await makeLakeBatch(options, partition, start, values));
    await sink.commit();
  };
  await commit(0, 0, [of(KEY, 'a'), of('C2', 'b'), `{"${KEY}`, '{"C2']);
  await sink.compact(true);
  await commit(0, 4, [of(KEY, 'a'), of(KEY, 'c', { amount: AMOUNT })]);
  await commit(1, 0, [of(KEY, 'd'), of('C3', 'e')]);
  await sink.close();
  return options;
}

async function open(options: DuckLakeSinkOptions, more: Partial<LakeForgetOptions> = {}): Promise<LakeForget> {
  const isOfKey = (_: unknown, value: Uint8Array | null) => Buffer.from(value!).includes(KEY);
  return await LakeForget.open({ ...options, key: KEY, keyHash: 'h', isOfKey, ...more });
}

async function forgotten(options: DuckLakeSinkOptions, more: Partial<LakeForgetOptions> = {}) {
  const forget = await open(options, more);
  try {
    return await forget.run();
  } finally {
    await forget.close();
  }
}

const planted = (options: DuckLakeSinkOptions) =>
  listFiles(options.dataDir).filter((path) => readFileSync(path).includes(KEY));

/** As DuckLake has it in the names of its files. */
function fileOf(timeMs: number): string {
  const hex = timeMs.toString(16).padStart(12, '0');
  return `ducklake-${hex.slice(0, 8)}-${hex.slice(8)}-7e98-9a3d-66a88c0b2bf9.parquet`;
}

const LEDGER = `SELECT partition_id, start_offset::INTEGER, rows_merged::INTEGER, rows_duplicate::INTEGER,
  rows_quarantined::INTEGER, rows_tombstone::INTEGER FROM sluice.batches ORDER BY ALL`;
const NOTED = `SELECT partition_id, rows_merged::INTEGER, rows_quarantined::INTEGER, key_hash
  FROM sluice.forgotten ORDER BY 1`;
const ROWS = 'SELECT order_id FROM cdc_orders ORDER BY ALL';
const SNAPSHOTS = `SELECT count(*)::INTEGER FROM ducklake_snapshots('lake')`;
const GREATEST = `SELECT count(*)::INTEGER FROM ${METADATA}.ducklake_table_column_stats
  WHERE max_value LIKE '${AMOUNT}%'`;
const DELETED = `SELECT count(*)::INTEGER FROM ${METADATA}.ducklake_delete_file`;

const NO_ROOM = new Error('no room');
const AGAIN = { code: 'SLUICE_LAKE', message: 'not all of the key is forgotten: do it again: no room' };

describe.skipIf(whyNoExtensions() !== undefined)('a key of a lake', () => {
  it('leaves the tables, all files and snapshots, and the catalog', async () => {
    const options = await written({ state: 'table' });
    const { dataDir, dataPath } = options;
    const folder = join(dataPath, 'main', 'cdc_orders');
    const unfinished = await makeLakeBatch(options, 0, 6, [of(KEY, 'x')]);
    const [old, young] = [Date.now(), Date.now() + 3_600_000].map((time) => join(folder, fileOf(time)));
    mkdirSync(join(dataDir, '.replay', 'of-4711'), { recursive: true });
    const left = [join(dataDir, '.catalog.ducklake.new-1'), join(dataDir, '.replay', 'of-4711', 'x.parquet'), old];
    for (const path of [...left, young]) writeFileSync(path, '');
    expect(planted(options).length).toBeGreaterThan(2);

    const forget = await open(options);
    expect(forget.removed).toMatchObject([{ file: unfinished.file!.path.slice(dataPath.length + 1) }]);
    expect(forget.hadState).toBe(true);
    expect(await forget.retiredIds()).toBe(0);
    expect(await forget.run()).toEqual({ rows: 3, others: 0, quarantined: 1, files: 3 });
    await forget.close();

    expect(planted(options)).toEqual([]);
    expect([...left, young].filter((path) => existsSync(path))).toEqual([young]);
    rmSync(young);
    expect(await onLake(options, ROWS)).toEqual([['C2'], ['C3']]);
    expect(await onLake(options, LEDGER)).toEqual([
      [0, 0, 1, 0, 1, 2],
      [0, 4, 0, 1, 0, 1],
      [1, 0, 1, 0, 0, 1],
    ]);
    expect(await onLake(options, NOTED)).toEqual([
      [0, 2, 1, 'h'],
      [1, 1, 0, 'h'],
    ]);
    expect(await onLake(options, SNAPSHOTS)).toEqual([[1]]);
    expect(await onLake(options, GREATEST)).toEqual([[0]]);
    expect(await onLake(options, DELETED)).toEqual([[0]]);
    expect(await onLake(options, 'SELECT order_id FROM orders ORDER BY ALL')).toEqual([['C2'], ['C3']]);
    expect(await problems(options)).toEqual([]);
  });

  it('that it does not have changes nothing', async () => {
    const options = await written({}, async (sink) => {
      const connection = await sink.connect();
      await openRetention(connection);
      await connection.run(`INSERT INTO sluice.retired BY NAME SELECT topic: 't', partition_id: 0,
        message_offset: range, change_id: 'r', change_seq: 1::UBIGINT FROM range(2)`);
      connection.closeSync();
    });
    const before = await onLake(options, SNAPSHOTS);
    const forget = await open(options, { key: 'none' });
    expect([forget.removed, forget.hadState, await forget.retiredIds()]).toEqual([[], false, 2]);
    expect(await forget.commit()).toBe(0);
    await forget.close();
    // One made sluice.forgotten.
    expect(await onLake(options, SNAPSHOTS)).toEqual([[(before[0][0] as number) + 1]]);
    const ofQuarantine = await forgotten(options, { key: 'none' });
    expect(ofQuarantine).toMatchObject({ rows: 0, quarantined: 1 });
    expect(await onLake(options, NOTED)).toEqual([[0, 0, 1, 'h']]);
  });
});

describe.skipIf(whyNoExtensions() !== undefined)('a failure', () => {
  it('because a message cannot be read, or the ledger written, changes nothing', async () => {
    const options = await written();
    const before = await onLake(options, LEDGER);
    const isOfKey = () => {
      throw new SluiceError('SLUICE_CONFIG', 'it is encrypted');
    };
    const unread = { code: 'SLUICE_CONFIG', message: 'partition 0, offset 2: it is encrypted' };
    await expect(forgotten(options, { isOfKey })).rejects.toMatchObject(unread);
    failAt(/^UPDATE sluice.batches/, NO_ROOM);
    await expect(forgotten(options)).rejects.toMatchObject(AGAIN);
    expect([await onLake(options, LEDGER), await onLake(options, NOTED)]).toEqual([before, []]);
    failAt(/^CREATE TABLE IF NOT EXISTS sluice.forgotten/, NO_ROOM);
    const unopened = { code: 'SLUICE_LAKE', message: 'the lake cannot be opened: no room' };
    await expect(open(options)).rejects.toMatchObject(unopened);
    expect(await forgotten(options)).toMatchObject({ rows: 3, quarantined: 1 });
  });

  it('after the transaction is mended by doing it again', async () => {
    const options = await written({ state: 'table' });
    const forget = await open(options);
    failAt(/^COPY \(FROM/, NO_ROOM);
    await expect(forget.run()).rejects.toMatchObject({
      code: 'SLUICE_LAKE',
      message: expect.stringMatching(/newest state is not merged.*no room/),
    });
    failAt(/^COPY FROM DATABASE/, NO_ROOM);
    await expect(forget.close()).rejects.toMatchObject(AGAIN);
    expect(planted(options)).toEqual([options.catalog]);
    expect(await forgotten(options)).toMatchObject({ rows: 0, quarantined: 0 });
    expect(planted(options)).toEqual([]);
    expect(await problems(options)).toEqual([]);
  });

  it('of which nobody knows whether it committed keeps what DuckLake removes then', async () => {
    const tables = ['main.cdc_orders', 'sluice.quarantine', 'sluice.replays'];
    const options = await written({}, async (sink) => {
      await select(sink, REPLAYS);
      for (const table of tables) {
        const [schema, name] = table.split('.');
        const of = `schema => '${schema}', table_name => '${name}'`;
        await select(sink, `CALL lake.set_option('data_inlining_row_limit', 0, ${of})`);
      }
      await select(sink, `INSERT INTO sluice.replays SELECT 't', 0, range, 'r', 'merged', 'h', now() FROM range(2)`);
    });
    const forget = await open(options);
    onTestFinished(() => forget.close());
    const deletes = () => listFiles(options.dataPath).filter((path) => path.endsWith('-delete.parquet'));
    const before = deletes();
    let made: string[] = [];
    const remove = () => {
      made = deletes().filter((path) => !before.includes(path));
      for (const path of made) rmSync(path);
    };
    failAt(/^COMMIT$/, new Error('no answer'), { isDone: true, meanwhile: remove });
    await expect(forget.run()).rejects.toThrow('do it again: no answer');
    expect(new Set(made.map((path) => path.split('/').slice(-3, -1).join('.')))).toEqual(new Set(tables));
    expect(deletes()).toEqual(expect.arrayContaining(made));
    expect(await forget.run()).toMatchObject({ rows: 0, quarantined: 0 });
  });
});
