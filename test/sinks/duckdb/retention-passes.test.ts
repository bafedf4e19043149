/** Passes of retention, on a database in memory and files that only have names. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { rowsOf } from '../../../src/core/sql.js';
import { RunningQueries } from '../../../src/query/running-queries.js';
import { ORDERS_SPEC } from '../../../src/schema/spec-file.js';
import { CommitMemory } from '../../../src/sinks/duckdb/commit-memory.js';
import { migrate } from '../../../src/sinks/duckdb/ddl.js';
import { isRetaining, pauseBetween, Retention } from '../../../src/sinks/duckdb/retention.js';
import { openRetention } from '../../../src/sinks/duckdb/retention-tables.js';
import type { RetentionSettings } from '../../../src/sinks/duckdb/settings.js';
import { TOPIC, temporaryDirectory } from '../../support/batches.js';
import { HOUR_MS, retain } from '../../support/retaining.js';

/** Partition 0 has 5 changes of a key, which are old, and a quarantined message, in two files. */
async function setUp(retention: Partial<RetentionSettings>, rows = 5) {
  const dataDir = temporaryDirectory();
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await migrate(connection, ORDERS_SPEC, TOPIC);
  await openRetention(connection);
  await connection.run(
    `INSERT INTO sluice.batches BY NAME SELECT topic: '${TOPIC}', partition_id: 0, *, file_bytes: 1, rows_merged: 0,
       committed_at: now() - INTERVAL 2 HOURS
     FROM (VALUES (0, ${rows - 1}, 'p/first'), (${rows - 1}, ${rows}, 'p/second')) b(start_offset, next_offset, file);
     INSERT INTO cdc_orders BY NAME SELECT 0 AS kafka_partition, range AS kafka_offset, 'a' AS order_id,
       's' AS order_id_type,
       range::VARCHAR AS change_id, 0 AS change_seq FROM range(${rows});
     INSERT INTO sluice.quarantine BY NAME SELECT topic: '${TOPIC}', partition_id: 0, message_offset: 0, reason: 'x'`,
  );
  for (const name of ['p/first', 'p/second']) {
    mkdirSync(dirname(join(dataDir, name)), { recursive: true });
    writeFileSync(join(dataDir, name), 'x');
  }
  const queries = new RunningQueries();
  const memory = await CommitMemory.open(instance, queries, undefined);
  const onRowsLeft = vi.fn(async () => {});
  const target = { dataDir, topic: TOPIC, spec: ORDERS_SPEC, retention: retain(retention) };
  const connect = vi.spyOn(instance, 'connect');
  const opened = await Retention.open(instance, target, { queries, memory, onRowsLeft });
  const its = opened && (await connect.mock.results[0].value);
  onTestFinished(async () => {
    await opened?.close();
    await memory.close();
    connection.closeSync();
    instance.closeSync();
  });
  const left = { changes: 0, quarantined: 0, files: 0 };
  const all = async (sql: string) => (await rowsOf(connection, sql)).map((row) => Object.values(row));
  return { dataDir, retention: opened!, opened, memory, onRowsLeft, left, all, its, connection };
}

const LOG = 'SELECT list(kafka_offset::INTEGER ORDER BY kafka_offset)::VARCHAR FROM cdc_orders';
const RETIRED = 'SELECT count(*)::INTEGER, (SELECT sum(rows_retired)::INTEGER FROM sluice.batches) FROM sluice.retired';
const FILES = 'SELECT file, file_retired FROM sluice.batches ORDER BY start_offset';

describe('a pass', () => {
  it('takes changes, quarantined messages and files that are old', async () => {
    const { dataDir, retention, left, all, onRowsLeft } = await setUp({
      ...{ changesMs: HOUR_MS, quarantineMs: HOUR_MS, parquetMs: HOUR_MS },
    });
    await retention.run(false, left);
    expect(left).toEqual({ changes: 4, quarantined: 1, files: 2 });
    expect(await all(LOG)).toEqual([['[4]']]);
    expect(await all(RETIRED)).toEqual([[4, 4]]);
    expect(await all(FILES)).toEqual([
      [null, 'p/first'],
      [null, 'p/second'],
    ]);
    expect([existsSync(join(dataDir, 'p/first')), existsSync(join(dataDir, 'p/second'))]).toEqual([false, false]);
    // Their space is not many blocks.
    expect(onRowsLeft).not.toHaveBeenCalled();
    await retention.run(true, left);
    expect(left).toEqual({ changes: 4, quarantined: 1, files: 2 });
    expect(onRowsLeft).toHaveBeenCalledTimes(1);
    await retention.run(true, left);
    expect(onRowsLeft).toHaveBeenCalledTimes(1);
  });

  it.each<[keyof RetentionSettings, object]>([
    ['changesMs', { changes: 4, quarantined: 0, files: 0 }],
    ['quarantineMs', { changes: 0, quarantined: 1, files: 0 }],
    ['parquetMs', { changes: 0, quarantined: 0, files: 2 }],
  ])('takes what has an age alone: %s', async (name, counts) => {
    const { dataDir, retention, left } = await setUp({ [name]: HOUR_MS });
    // That of a file that someone removed, too.
    rmSync(join(dataDir, 'p/first'));
    await retention.run(false, left);
    expect(left).toEqual(counts);
  });

  it('takes nothing that is younger, and is not due so soon after another', async () => {
    const { retention, left, connection } = await setUp({ changesMs: 3 * HOUR_MS, parquetMs: HOUR_MS });
    await connection.run('UPDATE sluice.batches SET committed_at = now() WHERE start_offset > 0');
    await retention.run(false, left);
    expect(left).toEqual({ changes: 0, quarantined: 0, files: 1 });
    await connection.run(`UPDATE sluice.batches SET committed_at = now() - INTERVAL 9 HOURS`);
    await retention.run(false, left);
    expect(left).toMatchObject({ changes: 0, files: 1 });
    await retention.run(true, left);
    expect(left).toMatchObject({ changes: 4, files: 2 });
  });

  it('frees the space of many rows, in parts', async () => {
    const { retention, left, onRowsLeft, its } = await setUp({ changesMs: HOUR_MS }, 100_001);
    const statements = vi.spyOn(its!, 'run');
    await retention.run(false, left);
    expect(left.changes).toBe(100_000);
    expect(onRowsLeft).toHaveBeenCalledTimes(1);
    const run = statements.mock.calls.map(([sql]) => String(sql));
    expect(run.filter((sql) => sql === 'COMMIT')).toHaveLength(2);
    const after = run.slice(run.indexOf('SET GLOBAL max_vacuum_tasks = 100'));
    expect(after).toEqual(['SET GLOBAL max_vacuum_tasks = 100', 'CHECKPOINT', 'SET GLOBAL max_vacuum_tasks = 0']);
    expect(await rowsOf(its!, 'SELECT table_name FROM duckdb_tables() WHERE temporary')).toEqual([]);
  });

  it('tries again later to free space while others write, and fails for another reason', async () => {
    const { retention, left, onRowsLeft, memory } = await setUp({ changesMs: HOUR_MS });
    const commit = memory.commit.bind(memory);
    const failing = (message: string) =>
      vi.spyOn(memory, 'commit').mockImplementation(async (work) => {
        if (String(work).includes('CHECKPOINT')) throw new Error(message);
        return await commit(work);
      });
    const spy = failing('there are other write transactions active');
    await retention.run(true, left);
    expect(left.changes).toBe(4);
    failing('disk is full');
    await expect(retention.run(true, left)).rejects.toMatchObject({
      code: 'SLUICE_SINK',
      message: expect.stringMatching(/^what is older than RETAIN_CHANGES, .* stays for now: disk is full/),
    });
    spy.mockRestore();
    await retention.run(true, left);
    expect(onRowsLeft).toHaveBeenCalledTimes(3);
  });

  it('keeps what could not be committed, and goes on with the next one', async () => {
    const { retention, left, memory, its, all } = await setUp({ changesMs: HOUR_MS, quarantineMs: HOUR_MS });
    vi.spyOn(memory, 'commit').mockRejectedValueOnce(new Error('no space'));
    await expect(retention.run(true, left)).rejects.toThrow('no space');
    expect(left).toEqual({ changes: 0, quarantined: 0, files: 0 });
    expect(await all(LOG)).toEqual([['[0, 1, 2, 3, 4]']]);
    expect(await rowsOf(its!, 'SELECT table_name FROM duckdb_tables() WHERE temporary')).toEqual([]);
    await retention.run(true, left);
    expect(left).toEqual({ changes: 4, quarantined: 1, files: 0 });
  });

  it('waits for the one before', async () => {
    const { retention, left } = await setUp({ changesMs: HOUR_MS });
    await Promise.all([retention.run(true, left), retention.run(true, left)]);
    expect(left.changes).toBe(4);
  });

  it('is given up when it closes', async () => {
    const { retention, left } = await setUp({ changesMs: HOUR_MS });
    await retention.close();
    await expect(retention.run(true, left)).rejects.toThrow('it is closed');
    vi.spyOn(retention, 'close').mockResolvedValue();
  });
});

it('there are none if all stays', async () => {
  expect((await setUp({})).opened).toBeUndefined();
  for (const name of ['changesMs', 'quarantineMs', 'parquetMs']) expect(isRetaining(retain({ [name]: 1 }))).toBe(true);
  expect(isRetaining(retain({}))).toBe(false);
});

it('they begin a tenth of the shortest age after each other, within bounds', () => {
  const pause = (changesMs: number, parquetMs?: number) => pauseBetween(retain({ changesMs, parquetMs }));
  expect([pause(50_000, 20_000), pause(50_000), pause(100), pause(1000 * HOUR_MS)]).toEqual([
    2000, 5000, 1000, 600_000,
  ]);
});
