/** A catalog that crashes, stops and stands still: nothing is lost, nothing is there twice, and receipts say so. */
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBConnection } from '@duckdb/node-api';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { combineStats } from '../../../src/core/batch-stats.js';
import type { BatchResult, CommitReceipt } from '../../../src/core/flow.js';
import { withRetries } from '../../../src/core/retry.js';
import { PostgresOwnership } from '../../../src/sinks/ducklake/postgres-ownership.js';
import { DuckLakeSink, type DuckLakeSinkOptions } from '../../../src/sinks/ducklake/sink.js';
import { order, select, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';
import { describePostgres } from '../../support/postgres.js';
import type { Postgres } from '../../support/postgres-server.js';
import { Random } from '../../support/random.js';

const SEED = Number(process.env.OUTAGE_SEED ?? Date.now() % 1_000_000);
/** `OUTAGE_KILLS=30`: not by default, as DuckDB's client of Postgres now and then ends the process (docs/lake.md). */
const KILLS = Number(process.env.OUTAGE_KILLS ?? 0);
/** A commit takes about this long: kills up to it after its start reach each of its steps. */
const COMMIT_MS = 120;
const TIMEOUT_MS = 240_000;

describe.skipIf(whyNoExtensions() !== undefined)('a lake, when its catalog', () => {
  describePostgres('in Postgres', (postgres) => {
    const newLake = async () => {
      const dsn = await postgres().createDatabase();
      return { dsn, options: lakeOptions(temporaryDirectory(), `postgres:${dsn}`) };
    };

    it('loses the answer to a COMMIT, finds what it made', { timeout: TIMEOUT_MS }, async () => {
      const { dsn, options } = await newLake();
      const sink = await openLakeSink(options);
      const [{ epoch }] = await sink.claim([0, 1]);
      await stage(sink, options, 0, 0, ['a', 'b', 'a'], epoch);
      await stage(sink, options, 1, 0, ['b', 'c'], epoch);
      expect(await loseAnswer(postgres(), () => sink.commit())).toMatchObject({
        stats: { merged: 3, duplicate: 2 },
        positions: [
          { partition: 0, nextOffset: 3 },
          { partition: 1, nextOffset: 2 },
        ],
      });
      await stage(sink, options, 0, 3, ['a', 'd'], epoch);
      expect(await sink.commit()).toMatchObject({ stats: { merged: 1, duplicate: 1 } });
      expect(await isWhole(sink)).toEqual([7, 4, 4]);
      expect(await postgres().query(dsn, 'SELECT commit_id FROM sluice.last_commit')).toEqual(['3']);
    });

    it('has a COMMIT that takes effect when it is tried again, keeps its file', { timeout: TIMEOUT_MS }, async () => {
      const { options } = await newLake();
      const sink = await openLakeSink(options);
      const [{ epoch }] = await sink.claim([0, 1]);
      await sink.stage(await makeLakeBatch(options, 0, 0, Array(101).fill('{bad'), { epoch }));
      const outcomes = vi.spyOn(PostgresOwnership.prototype, 'outcomeOf');
      onTestFinished(() => outcomes.mockRestore());
      outcomes.mockResolvedValueOnce('open').mockResolvedValueOnce('open');
      await expect(loseAnswer(postgres(), () => sink.commit())).rejects.toMatchObject({
        code: 'SLUICE_LAKE',
        retryable: true,
      });
      const [[file]] = await select(sink, 'SELECT path FROM __ducklake_metadata_lake.ducklake_data_file');
      const path = String(file);
      const before = statSync(path, { bigint: true });
      expect(await sink.commit()).toMatchObject({ stats: { quarantined: 101 } });
      expect(outcomes).toHaveBeenCalledTimes(3);
      expect(statSync(path, { bigint: true })).toMatchObject({ ino: before.ino, mtimeNs: before.mtimeNs });
      expect(await select(sink, 'SELECT count(*)::INTEGER FROM sluice.quarantine')).toEqual([[101]]);
    });

    it('loses the answer to a merge of the state, has it', { timeout: TIMEOUT_MS }, async () => {
      const { options } = await newLake();
      const sink = await openLakeSink({ ...options, state: 'table' });
      const [{ epoch }] = await sink.claim([0, 1]);
      await stage(sink, options, 0, 0, ['a', 'b'], epoch);
      await sink.commit();
      loseAnswerAfter(postgres(), /^INSERT INTO sluice.merged/);
      const { left } = await sink.compact(true);
      expect(left).toEqual([expect.stringMatching(/^the newest state is not merged/)]);
      for (const relation of ['sluice.state', 'orders']) {
        expect(await select(sink, `SELECT change_id FROM ${relation} ORDER BY 1`)).toEqual([['a'], ['b']]);
      }
      expect((await sink.compact(true)).left).toEqual([]);
    });

    it('loses the answer to files that are made anew, has them', { timeout: TIMEOUT_MS }, async () => {
      const { options } = await newLake();
      const sink = await openLakeSink(options);
      const [{ epoch }] = await sink.claim([0, 1]);
      for (const [start, ids] of [
        ['a', 'b'],
        ['c', 'd'],
        ['e', 'f'],
      ].entries()) {
        await stage(sink, options, 0, 2 * start, ids, epoch);
        await sink.commit();
      }
      await select(sink, `DELETE FROM cdc_orders WHERE change_id = 'a'`);
      for (const call of [/rewrite_data_files/, /merge_adjacent_files/]) {
        loseAnswerAfter(postgres(), call);
        await expect(sink.compact(true)).rejects.toMatchObject({ code: 'SLUICE_SINK' });
        expect(await select(sink, 'SELECT DISTINCT change_id FROM cdc_orders ORDER BY 1')).toHaveLength(5);
      }
      expect(await select(sink, `SELECT count(*) FROM ducklake_list_files('lake', 'cdc_orders')`)).toEqual([[1n]]);
    });

    it.skipIf(KILLS === 0)(
      `crashes in ${KILLS} commits, has each change once`,
      { timeout: TIMEOUT_MS + KILLS * 10_000 },
      async () => {
        console.log(`seed ${SEED}`);
        const random = new Random(SEED);
        const { options } = await newLake();
        const outcomes = vi.spyOn(PostgresOwnership.prototype, 'outcomeOf');
        onTestFinished(() => outcomes.mockRestore());
        const sink = await openLakeSink(options);
        const [{ epoch }] = await sink.claim([0, 1]);
        const receipts: CommitReceipt[] = [];
        for (let round = 0, start = 0; round < KILLS; round++, start += 3) {
          // Each round repeats a change of the one before it.
          const ids = [0, 1, 2].map((index) => token(round + 1, index));
          await stage(sink, options, 0, start, [...ids.slice(0, 2), token(round, 0)], epoch);
          await stage(sink, options, 1, start, [ids[0], ids[2], ids[2]], epoch);
          const crash = (async () => {
            await sleep(random.next() * COMMIT_MS);
            await postgres().kill();
            await postgres().start();
          })();
          receipts.push(await withRetries(() => sink.commit()));
          await crash;
        }
        const settled = await Promise.all(
          outcomes.mock.results.map(({ value }) => Promise.resolve(value).catch(() => 'down')),
        );
        console.log(`outcomes: ${settled.join(', ')}`);
        // The very first repeats nothing.
        const stats = combineStats(receipts.map((receipt) => receipt.stats));
        expect(stats).toMatchObject({ messages: 6 * KILLS, merged: 3 * KILLS + 1, duplicate: 3 * KILLS - 1 });
        expect(await isWhole(sink)).toEqual([6 * KILLS, stats.merged, stats.merged]);
        expect(settled.length).toBeGreaterThan(KILLS / 3);
      },
    );

    it('is gone for a while, waits', { timeout: TIMEOUT_MS }, async () => {
      const { options } = await newLake();
      const sink = await openLakeSink(options);
      const [{ epoch }] = await sink.claim([0, 1]);
      await stage(sink, options, 0, 0, ['a'], epoch);
      await postgres().stop();
      onTestFinished(() => postgres().start());
      await expect(sink.commit()).rejects.toMatchObject({ code: 'SLUICE_LAKE', retryable: true, patienceMs: 600_000 });
      // What comes meanwhile is of the next group.
      await stage(sink, options, 0, 1, ['b'], epoch);
      const retries: number[] = [];
      const onRetry = (_: unknown, pauseMs: number) => void retries.push(pauseMs);
      const committed = withRetries(() => sink.commit(), { onRetry });
      const claimed = sink.claim([1]);
      await vi.waitUntil(() => retries.length >= 2, { timeout: 30_000 });
      await postgres().start();
      expect(await committed).toMatchObject({ stats: { merged: 1 }, positions: [{ partition: 0, nextOffset: 1 }] });
      expect(await claimed).toMatchObject([{ partition: 1, nextOffset: 0 }]);
      expect(await sink.commit()).toMatchObject({ positions: [{ partition: 0, nextOffset: 2 }] });
      expect(await isWhole(sink)).toEqual([2, 2, 2]);
    });

    it('stands still, goes on when it does', { timeout: TIMEOUT_MS }, async () => {
      const { options } = await newLake();
      const sink = await openLakeSink(options);
      const [{ epoch }] = await sink.claim([0, 1]);
      await stage(sink, options, 0, 0, ['a'], epoch);
      postgres().pause();
      onTestFinished(() => postgres().resume());
      let isDone = false;
      const committed = sink.commit().finally(() => {
        isDone = true;
      });
      await sleep(1000);
      expect(isDone).toBe(false);
      postgres().resume();
      expect(await committed).toMatchObject({ stats: { merged: 1 } });
    });

    it('is new to four processes at once, has each of them open it', { timeout: TIMEOUT_MS }, async () => {
      const { options } = await newLake();
      const sinks = [0, 1, 2, 3].map(() => new DuckLakeSink(options));
      for (const sink of sinks) onTestFinished(() => sink.close());
      const opened = await Promise.all(sinks.map((sink) => sink.open()));
      expect(new Set(opened.map(({ issueBits }) => issueBits.join())).size).toBe(1);
      const rows = await select(sinks[3], 'SELECT (SELECT count(*) FROM sluice.meta), count(*) FROM sluice.columns');
      expect(rows).toEqual([[1n, BigInt(opened[0].issueBits.length)]]);
    });
  });
});

async function stage(
  sink: DuckLakeSink,
  options: DuckLakeSinkOptions,
  partition: number,
  start: number,
  ids: readonly string[],
  epoch: number | undefined,
): Promise<BatchResult> {
  const orders = ids.map((id) => order(id));
  const batch = await makeLakeBatch(options, partition, start, orders, epoch === undefined ? {} : { epoch });
  await sink.stage(batch);
  return batch;
}

/** A commit that waits for a standby that there is not has taken effect, but for its answer. */
async function loseAnswer<T>(postgres: Postgres, commit: () => Promise<T>): Promise<T> {
  const other = await postgres.createDatabase();
  await waitForStandby(postgres, other, true);
  try {
    const [committed] = await Promise.allSettled([commit(), terminateWaiting(postgres, other)]);
    if (committed.status === 'rejected') throw committed.reason;
    return committed.value;
  } finally {
    await waitForStandby(postgres, other, false);
  }
}

/** Loses the answer to the next COMMIT after a statement. */
function loseAnswerAfter(postgres: Postgres, statement: RegExp): void {
  const run = DuckDBConnection.prototype.run;
  let isNext = false;
  const spy = vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(async function (
    this: DuckDBConnection,
    ...args
  ) {
    isNext ||= statement.test(args[0]);
    if (!isNext || args[0] !== 'COMMIT') return await run.apply(this, args);
    spy.mockRestore();
    return await loseAnswer(postgres, () => run.apply(this, args));
  });
}

async function terminateWaiting(postgres: Postgres, connection: string): Promise<void> {
  const waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
  const count = async () => (await postgres.query(connection, `SELECT count(*) ${waiting}`))[0];
  await vi.waitUntil(async () => (await count()) === '1', { timeout: 30_000 });
  await postgres.query(connection, `SELECT pg_terminate_backend(pid) ${waiting}`);
}

async function waitForStandby(postgres: Postgres, connection: string, isWanted: boolean): Promise<void> {
  await postgres.query(connection, `ALTER SYSTEM SET synchronous_standby_names = '${isWanted ? 'nobody' : ''}'`);
  await postgres.query(connection, 'SELECT pg_reload_conf()');
}

/** Fails if the ledger has a hole. @returns messages of the ledger, rows, and different change ids */
async function isWhole(sink: DuckLakeSink): Promise<unknown[]> {
  const gaps = await select(
    sink,
    `SELECT * FROM (SELECT start_offset,
       lag(next_offset, 1, 0) OVER (PARTITION BY partition_id ORDER BY start_offset) AS before FROM sluice.batches)
     WHERE before <> start_offset`,
  );
  expect(gaps).toEqual([]);
  const [row] = await select(
    sink,
    `SELECT (SELECT sum(rows_consumed)::INTEGER FROM sluice.batches), count(*)::INTEGER,
       count(DISTINCT change_id)::INTEGER FROM cdc_orders`,
  );
  return row;
}
