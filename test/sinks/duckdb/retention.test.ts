import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it, vi } from 'vitest';
import { rowsOf } from '../../../src/core/sql.js';
import { RunningQueries } from '../../../src/query/running-queries.js';
import { ORDERS_SPEC, parseSpec } from '../../../src/schema/spec-file.js';
import { CommitMemory } from '../../../src/sinks/duckdb/commit-memory.js';
import { rebuild } from '../../../src/sinks/duckdb/rebuild.js';
import { Retention } from '../../../src/sinks/duckdb/retention.js';
import type { StateKind } from '../../../src/sinks/duckdb/settings.js';
import { mergeTail } from '../../../src/sinks/duckdb/state-merge.js';
import { listFiles } from '../../../src/storage/data-dir.js';
import { makeBatch, openSink, order, select, TOPIC, temporaryDirectory, token } from '../../support/batches.js';
import { Random } from '../../support/random.js';
import {
  age,
  HOUR_MS,
  LEDGER,
  logOf,
  ORDERS,
  oldQuarantined,
  randomOrders,
  retain,
  staying,
} from '../../support/retaining.js';
import { changeDatabase, problems } from '../../support/verifying.js';

const ALL = retain({ changesMs: HOUR_MS, quarantineMs: HOUR_MS, parquetMs: HOUR_MS });

describe.each<StateKind>(['view', 'table'])('what is old leaves, STATE=%s', (state) => {
  it('but for the last change of each key, and orders stays as it is', { timeout: 120_000 }, async () => {
    const random = new Random(20_262);
    const [dataDir, fullDir] = [temporaryDirectory(), temporaryDirectory()];
    let sink = await openSink(dataDir, { state, retention: ALL });
    const full = await openSink(fullDir);
    const next = [0, 0];
    let oldTo = [0, 0];
    let left = 0;
    for (let round = 0; round < 8; round++) {
      for (const partition of [0, 1]) {
        const values = randomOrders(random, round, partition);
        for (const [to, folder] of [
          [sink, dataDir],
          [full, fullDir],
        ] as const) {
          await to.stage(await makeBatch(folder, partition, next[partition], values));
        }
        next[partition] += values.length;
      }
      await sink.commit();
      await full.commit();
      if (random.next() < 0.5) {
        await age(sink);
        oldTo = [...next];
      }
      if (random.next() < 0.3) {
        await sink.close();
        expect(await problems(dataDir), `round ${round}`).toEqual([]);
        sink = await openSink(dataDir, { state, retention: ALL });
      }
      const { retired, left: problemsLeft } = await sink.compact({ everything: true });
      expect(problemsLeft).toEqual([]);
      left += retired.changes;
      expect(await logOf(sink), `round ${round}`).toEqual(staying(await logOf(full), oldTo));
      expect(await select(sink, ORDERS), `round ${round}`).toEqual(await select(full, ORDERS));
      // Also of a change that had left, it is known that it was there.
      expect(await select(sink, LEDGER)).toEqual(await select(full, LEDGER));
      expect(await oldQuarantined(sink)).toBe(0n);
    }
    expect(left).toBeGreaterThan(30);
    await sink.close();
    expect(await problems(dataDir)).toEqual([]);
  });
});

it('of changes that are not in the state yet, none leaves, nor one that the state has', async () => {
  const dataDir = temporaryDirectory();
  const quiet = new RunningQueries();
  void quiet.alone(() => new Promise(() => {}));
  const sink = await openSink(dataDir, { state: 'table', retention: ALL }, quiet);
  const key = { order_id: 'a', order_id_type: 'string' };
  await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1), key), order(token(2), key), order(token(3), key)]));
  await sink.commit();
  const connection = await sink.connect();
  await connection.run('BEGIN');
  await mergeTail(connection, ORDERS_SPEC, 2);
  await connection.run('COMMIT');
  connection.closeSync();
  await age(sink);
  await sink.close();
  const instance = await DuckDBInstance.create(join(dataDir, 'analytics.db'));
  const queries = new RunningQueries();
  const memory = await CommitMemory.open(instance, queries, undefined);
  const target = { dataDir, topic: TOPIC, spec: ORDERS_SPEC, retention: retain({ changesMs: HOUR_MS }) };
  const connect = vi.spyOn(instance, 'connect');
  const retention = await Retention.open(instance, target, { queries, memory, onRowsLeft: async () => {} });
  // Of the first pass the change stays, after the second one it has left, though what follows fails.
  const commit = vi.spyOn(memory, 'commit');
  const its = await connect.mock.results[0].value;
  const left = { changes: 0, quarantined: 0, files: 0 };
  for (const [commits, changes] of [
    [1, 0],
    [2, 1],
  ]) {
    for (let n = 0; n < commits; n++) commit.mockImplementationOnce((work) => work());
    commit.mockRejectedValueOnce(new Error('no disk'));
    await expect(retention!.run(true, left)).rejects.toThrow('no disk');
    expect(left).toEqual({ changes, quarantined: 0, files: 0 });
    expect(await rowsOf(its, 'SELECT table_name FROM duckdb_tables() WHERE temporary')).toEqual([]);
  }
  await retention!.close();
  await memory.close();
  instance.closeSync();
  expect(await problems(dataDir)).toEqual([]);
});

it('finds the last row in the state again when row ids have changed', async () => {
  const dataDir = await retiredDirectory('table');
  // As a checkpoint changes them that leaves out row groups without rows.
  await changeDatabase(dataDir, 'UPDATE sluice.merged SET row_id = row_id + 7');
  expect(await problems(dataDir)).toEqual([]);
  const sink = await openSink(dataDir, { state: 'table' });
  const found = `SELECT count(*)::INTEGER FROM sluice.merged JOIN cdc_orders ON cdc_orders.rowid = row_id
    AND kafka_offset = message_offset`;
  expect(await select(sink, found)).toEqual([[1]]);
  expect(await select(sink, 'SELECT count(*)::INTEGER FROM sluice.state')).toEqual([[2]]);
});

/** A directory of which a change, a quarantined message and a file have left. */
async function retiredDirectory(state: StateKind = 'view'): Promise<string> {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir, { state, retention: ALL });
  const key = { order_id: 'a', order_id_type: 'string' };
  await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1), key), order(token(2), key), '{']));
  await sink.commit();
  await age(sink);
  await sink.stage(await makeBatch(dataDir, 0, 3, [order(token(3), { ...key, order_id: 'b' }), '{']));
  await sink.commit();
  expect((await sink.compact({ everything: true })).retired).toEqual({ changes: 1, quarantined: 1, files: 1 });
  await sink.close();
  return dataDir;
}

const parquet = (dataDir: string) => listFiles(dataDir).filter((path) => path.endsWith('.parquet'));

describe('verify', () => {
  it('notices what the ledger does not count, or counts too much', async () => {
    const dataDir = await retiredDirectory();
    const set = (values: string) =>
      changeDatabase(dataDir, `UPDATE sluice.batches SET ${values} WHERE start_offset = 0`);
    const cases: [change: string, back: string, problem: RegExp][] = [
      ['rows_retired = 2', 'rows_retired = 1', /the ledger says 2/],
      ['rows_retired = 0', 'rows_retired = 1', /1 changes, the ledger says 0/],
      ['rows_retired = 3', 'rows_retired = 1', /3 of 2 changes/],
      ['quarantine_retired = 0', 'quarantine_retired = 1', /partition 0: 1 messages, the ledger says 2/],
      ['file_retired = NULL', `file_retired = 'a'`, /it has no file/],
    ];
    for (const [change, back, problem] of cases) {
      expect(await problems(dataDir)).toEqual([]);
      await set(change);
      expect(await problems(dataDir)).toEqual(expect.arrayContaining([expect.stringMatching(problem)]));
      await set(back);
    }
  });

  it('notices a change that is there though it has left, and one that is gone', async () => {
    const dataDir = await retiredDirectory();
    await changeDatabase(dataDir, 'DELETE FROM cdc_orders WHERE kafka_offset = 1');
    expect(await problems(dataDir)).toEqual(['partition 0: 1 rows, the ledger says 2']);
    const other = await retiredDirectory();
    await changeDatabase(other, `UPDATE sluice.retired SET change_id = '${token(2)}'`);
    expect(await problems(other)).toEqual([`${token(2)} is there 2 times`]);
  });
});

it('removes a file that has left and is still there, as after a kill', async () => {
  const dataDir = await retiredDirectory();
  expect(parquet(dataDir)).toHaveLength(1);
  const [kept] = parquet(dataDir);
  const sink = await openSink(dataDir);
  await sink.stage(await makeBatch(dataDir, 0, 5, [order(token(5))]));
  await sink.commit();
  await select(
    sink,
    `UPDATE sluice.batches SET file_retired = file, file = NULL, file_bytes = NULL WHERE start_offset = 3`,
  );
  await sink.close();
  expect(existsSync(kept)).toBe(true);
  await openSink(dataDir);
  expect(existsSync(kept)).toBe(false);
  expect(parquet(dataDir)).toHaveLength(1);
});

it('is not recovered from files without the rows that only the database has', async () => {
  const dataDir = await retiredDirectory();
  const options = { dataDir, topic: TOPIC, spec: ORDERS_SPEC, fallbackSpec: ORDERS_SPEC, memoryLimit: 1 << 28 };
  await expect(rebuild(options)).rejects.toThrow(/RETAIN_PARQUET.*offsets 0 to 3 of 0 \(partitions\)/);
});

it('without files that left, a recovery has all changes again', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir, { retention: retain({ changesMs: HOUR_MS }) });
  const key = { order_id: 'a', order_id_type: 'string' };
  await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1), key), order(token(2), key)]));
  await sink.commit();
  await age(sink);
  expect((await sink.compact({ everything: true })).retired).toEqual({ changes: 1, quarantined: 0, files: 0 });
  await sink.close();
  await rebuild({ dataDir, topic: TOPIC, spec: ORDERS_SPEC, fallbackSpec: ORDERS_SPEC, memoryLimit: 1 << 28 });
  expect(await problems(dataDir)).toEqual([]);
  const again = await openSink(dataDir);
  expect(await select(again, 'SELECT count(*) FROM cdc_orders')).toEqual([[2n]]);
});

it('nothing is made in a directory of which all stays', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await sink.compact({ everything: true });
  const found = await select(sink, `SELECT count(*) FROM duckdb_columns() WHERE column_name LIKE '%retired%'`);
  expect([found, await select(sink, 'SELECT format_version FROM sluice.meta')]).toEqual([[[0n]], [[3]]]);
  expect(readdirSync(join(dataDir))).toContain('analytics.db');
});

it('of a table without change ids, only the ledger knows', async () => {
  const dataDir = temporaryDirectory();
  const columns = [
    { name: 'order_id', kind: 'text', required: true, role: 'key' },
    { name: 'operation', kind: 'text', role: 'operation' },
  ];
  const spec = parseSpec(JSON.stringify({ table: 'cdc_orders', view: 'orders', columns }), 'of the test');
  const sink = await openSink(dataDir, { spec, retention: ALL });
  const values = ['a', 'b', 'a'].map((order_id) => JSON.stringify({ order_id, operation: 'update' }));
  await sink.stage(await makeBatch(dataDir, 0, 0, values, { spec }));
  await sink.commit();
  await age(sink);
  expect((await sink.compact({ everything: true })).retired).toEqual({ changes: 1, quarantined: 0, files: 1 });
  expect(await select(sink, 'SELECT kafka_offset FROM orders ORDER BY ALL')).toEqual([[1n], [2n]]);
  expect(await select(sink, 'SELECT sum(rows_retired)::INTEGER FROM sluice.batches')).toEqual([[1]]);
  expect(await select(sink, 'SELECT count(*) FROM sluice.retired')).toEqual([[0n]]);
});
