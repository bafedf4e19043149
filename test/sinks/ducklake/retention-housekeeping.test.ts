/** What retention on a lake leaves behind, and what it keeps others from. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { forget } from '../../../src/commands/forget.js';
import { readConfig } from '../../../src/config.js';
import { createLogger } from '../../../src/core/log.js';
import { literal } from '../../../src/core/sql.js';
import { removeDeadInlinedRows } from '../../../src/sinks/ducklake/dead-inlined-rows.js';
import { HousekeepingLock } from '../../../src/sinks/ducklake/housekeeping-lock.js';
import { METADATA } from '../../../src/sinks/ducklake/lake.js';
import { PostgresOwnership } from '../../../src/sinks/ducklake/postgres-ownership.js';
import type { DuckLakeSink, DuckLakeSinkOptions } from '../../../src/sinks/ducklake/sink.js';
import { Transactions } from '../../../src/sinks/ducklake/transactions.js';
import { order, select, temporaryDirectory, token } from '../../support/batches.js';
import { EXTENSION_DIRECTORY, whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';
import { describePostgres } from '../../support/postgres.js';
import { age, HOUR_MS, retain } from '../../support/retaining.js';

vi.mock('../../../src/sinks/ducklake/dead-inlined-rows.js', { spy: true });
vi.setConfig({ testTimeout: 60_000 });

const of = (id: number) => order(token(id), { order_id: 'a', order_id_type: 'string' });

const makeOptions = (catalog?: string): DuckLakeSinkOptions => ({
  ...lakeOptions(temporaryDirectory(), catalog),
  retention: retain({ changesMs: HOUR_MS, quarantineMs: HOUR_MS }),
});

async function stage(sink: DuckLakeSink, options: DuckLakeSinkOptions, start: number, values: readonly string[]) {
  const [{ epoch }] = await sink.claim([0]);
  await sink.stage(await makeLakeBatch(options, 0, start, values, { epoch }));
}

async function write(sink: DuckLakeSink, options: DuckLakeSinkOptions, start: number, values: readonly string[]) {
  await stage(sink, options, start, values);
  await sink.commit();
}

/** Deleted ones, too. */
const MESSAGES_IN_FILES = `SELECT sum(record_count)::INTEGER FROM ${METADATA}.ducklake_data_file f
  JOIN ${METADATA}.ducklake_table USING (table_id) WHERE table_name = 'quarantine' AND f.end_snapshot IS NULL`;

const one = it.skipIf(whyNoExtensions() !== undefined);

one('messages that have left, however few, leave their file when all is wanted', async () => {
  const options = makeOptions();
  const sink = await openLakeSink({ ...options, retention: retain({}) });
  const bad = Array.from({ length: 150 }, (_, n) => `{bad ${n}`);
  for (let n = 0; n < 5; n++) await write(sink, options, n * bad.length, bad);
  await sink.compact(true);
  await sink.close();
  const retaining = await openLakeSink(options);
  const old = 'UPDATE sluice.batches SET committed_at = now() - INTERVAL 2 HOURS WHERE start_offset = 0';
  await select(retaining, old);
  expect((await retaining.compact()).retired.quarantined).toBe(150);
  expect(await select(retaining, MESSAGES_IN_FILES)).toEqual([[750]]);
  expect(await retaining.compact(true)).toMatchObject({ retired: { quarantined: 0 }, left: [] });
  expect(await select(retaining, MESSAGES_IN_FILES)).toEqual([[600]]);
  expect(await select(retaining, 'SELECT count(*)::INTEGER FROM sluice.quarantine')).toEqual([[600]]);
});

one('a clean-up that a commit is in the way of is done again', async () => {
  const sink = await openLakeSink(makeOptions());
  const remove = vi.mocked(removeDeadInlinedRows);
  remove.mockClear().mockRejectedValueOnce(new Error('could not serialize access due to concurrent update'));
  await sink.compact(true);
  expect(remove).toHaveBeenCalledTimes(2);
});

one('to forget a key says that ids of what left before stay', async () => {
  const options = makeOptions();
  const sink = await openLakeSink(options);
  await write(sink, options, 0, [of(1), of(2), of(3)]);
  await age(sink);
  expect((await sink.compact(true)).retired.changes).toBe(2);
  await sink.close();
  const env = {
    ...{ DATA_DIR: options.dataDir, KAFKA_TOPIC: options.topic, SINK: 'ducklake' },
    DUCKDB_EXTENSION_DIRECTORY: EXTENSION_DIRECTORY,
  };
  const log = createLogger({ level: 'silent', format: 'json' });
  const text = await forget(readConfig(env, false), log, 'a', false);
  expect(text).toMatch(/^forgotten: 1 rows/);
  expect(text).toContain('warning: sluice.retired still has the ids of 2 changes');
});

describePostgres('with a Postgres', (postgres) => {
  one('while another process keeps house, its lock is not asked for at each look', async () => {
    const options = makeOptions(`postgres:${await postgres().createDatabase()}`);
    const sink = await openLakeSink(options);
    const other = await sink.connect();
    onTestFinished(() => other.closeSync());
    await other.run('BEGIN');
    const lock = 'SELECT pg_advisory_xact_lock(126909663503206)::text';
    await other.run(`FROM postgres_query('${METADATA}', ${literal(lock)})`);
    const take = vi.spyOn(HousekeepingLock.prototype, 'take');
    onTestFinished(() => take.mockRestore());
    for (let look = 0; look < 3; look++) await sink.compact();
    expect(take).toHaveBeenCalledTimes(1);
  });

  one('this process commits before retention, which another one was faster than, tries again', async () => {
    const options = makeOptions(`postgres:${await postgres().createDatabase()}`);
    const sink = await openLakeSink(options);
    await write(sink, options, 0, [of(1), of(2)]);
    await age(sink);
    await stage(sink, options, 2, [of(3)]);
    const run = vi.spyOn(Transactions.prototype, 'run');
    const exclusively = vi.spyOn(PostgresOwnership.prototype, 'exclusively');
    onTestFinished(() => void vi.restoreAllMocks());
    let committing: Promise<unknown> | undefined;
    exclusively.mockImplementationOnce(async () => {
      committing = sink.commit();
      throw new Error('SLUICE_OVERTAKEN: commit 2');
    });
    expect(await sink.compact(true)).toMatchObject({ retired: { changes: 1 }, left: [] });
    await committing;
    // The last one is of the quarantine's files.
    expect(run.mock.calls.map(([moves]) => moves.length)).toEqual([0, 1, 0, 0]);
  });
});
