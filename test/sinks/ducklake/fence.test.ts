/** Two processes that both believe to own a partition: whatever they do when, each change is in the lake once. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBConnection } from '@duckdb/node-api';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SluiceError } from '../../../src/core/errors.js';
import { withRetries } from '../../../src/core/retry.js';
import type { DuckLakeSink, DuckLakeSinkOptions } from '../../../src/sinks/ducklake/sink.js';
import { order, select, temporaryDirectory } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink, takeOver } from '../../support/lakes.js';
import { describePostgres } from '../../support/postgres.js';
import type { Postgres } from '../../support/postgres-server.js';
import { Random } from '../../support/random.js';

/** `FENCE_RACES=10000` for a long proof, `FENCE_SEED` to repeat one, `FENCE_PAIRS` of them race beside each other. */
const RACES = Number(process.env.FENCE_RACES ?? 63);
const PAIRS = Number(process.env.FENCE_PAIRS ?? 1);
/** Then a pair goes on in a new lake: commits to a large one take longer, and prove no more. */
const RACES_PER_LAKE = 105;
const SEED = Number(process.env.FENCE_SEED ?? 2026);
/** Quarantined, in a file of its own. */
const LARGE = `{${' '.repeat(65 << 10)}`;
const TIMEOUT_MS = 30_000 + RACES * 5000;
const INSIDE = 'inside COMMIT';
/** A COMMIT takes about this long. */
const INSIDE_MS = 40;

/** A step of a commit, and the statement that comes next. */
type Step = readonly [name: string, statement: RegExp];
const STEPS: readonly Step[] = [
  ['before it begins', /^BEGIN/],
  ['before the search', /^CREATE TEMP TABLE/],
  ['after the search', /ducklake_add_data_files/],
  ['before the file of quarantined messages', /^COPY/],
  ['after add_data_files', /^INSERT INTO sluice\.batches/],
  ['before COMMIT', /^COMMIT/],
  [INSIDE, /^COMMIT/],
];

interface Owner {
  readonly sink: DuckLakeSink;
  epoch: number | undefined;
  /** Where it would commit next. */
  at: number;
}

describe.skipIf(whyNoExtensions() !== undefined)('ownership', () => {
  describePostgres('in Postgres', (postgres) => {
    const newLake = async () => lakeOptions(temporaryDirectory(), `postgres:${await postgres().createDatabase()}`);

    it('refuses a commit of an owner that was replaced, before and after the new one commits', async () => {
      const options = await newLake();
      const [zombie, owner] = [await openLakeSink(options), await openLakeSink(options)];
      const [{ epoch: old }] = await zombie.claim([0, 1]);
      await zombie.stage(await makeLakeBatch(options, 0, 0, [order('a')], { epoch: old }));
      const [{ epoch }] = await owner.claim([0]);
      await expect(zombie.commit()).rejects.toMatchObject({ code: 'SLUICE_FENCED' });
      await owner.stage(await makeLakeBatch(options, 0, 0, [order('a'), order('b')], { epoch }));
      await owner.commit();
      // Of the other partition it is still the owner.
      await zombie.stage(await makeLakeBatch(options, 1, 0, [order('c')], { epoch: old }));
      await zombie.commit();
      await zombie.stage(await makeLakeBatch(options, 0, 0, [order('a')], { epoch: old }));
      await expect(zombie.commit()).rejects.toMatchObject({ code: 'SLUICE_FENCED' });
      expect(await select(owner, 'SELECT change_id FROM cdc_orders ORDER BY 1')).toEqual([['a'], ['b'], ['c']]);
    });

    it('lets two processes commit the same change of two partitions once', async () => {
      const options = await newLake();
      const sinks = [await openLakeSink(options), await openLakeSink(options)];
      for (const [partition, sink] of sinks.entries()) await sink.claim([partition]);
      for (let round = 0; round < 10; round++) {
        for (const [partition, sink] of sinks.entries()) {
          const [{ epoch }] = await sink.claim([partition]);
          const orders = [order(`both-${round}`), order(`of-${partition}-${round}`)];
          await sink.stage(await makeLakeBatch(options, partition, 2 * round, orders, { epoch }));
        }
        await Promise.all(sinks.map((sink) => sink.commit()));
      }
      expect(await select(sinks[0], 'SELECT count(*), count(DISTINCT change_id) FROM cdc_orders')).toEqual([
        [30n, 30n],
      ]);
      expect(
        await select(sinks[0], 'SELECT sum(rows_merged)::INTEGER, sum(rows_duplicate)::INTEGER FROM sluice.batches'),
      ).toEqual([[30, 10]]);
    });

    it(`holds in ${RACES} races of an owner and its zombie`, { timeout: TIMEOUT_MS }, async () => {
      const restore = stopAtStatements();
      onTestFinished(restore);
      const counts: Record<string, number> = {};
      let left = RACES;
      const pair = async (number: number) => {
        for (let lake = 0; left > 0; lake++) {
          const races = Math.min(RACES_PER_LAKE, left);
          left -= races;
          await raceInLake(postgres(), races, new Random(SEED + 1000 * number + lake), counts);
          const done = Object.values(counts).reduce((sum, count) => sum + count, 0);
          if (left > 0) console.log(`${done} races: ${JSON.stringify(counts)}`);
        }
      };
      await Promise.all(Array.from({ length: PAIRS }, (_, number) => pair(number)));
      console.log(`seed ${SEED}: ${JSON.stringify(counts)}`);
      // Who was replaced before its COMMIT was refused each time, at each step.
      const perStep = Math.floor(RACES / STEPS.length);
      for (const [name] of STEPS.slice(0, -1)) {
        expect(counts[`${name}: refused`]).toBeGreaterThanOrEqual(perStep);
        expect(counts[`${name}: committed`]).toBeUndefined();
      }
    });
  });
});

/** Races in a lake of their own, which then has each change once, without a gap. */
async function raceInLake(
  postgres: Postgres,
  races: number,
  random: Random,
  counts: Record<string, number>,
): Promise<void> {
  const dsn = await postgres.createDatabase();
  const options = lakeOptions(temporaryDirectory(), `postgres:${dsn}`);
  // What a process that stands still loses after STANDSTILL_MS, at once.
  const takeLock = async () => {
    await postgres.query(
      dsn,
      `SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database d ON d.oid = database
       WHERE locktype = 'advisory' AND datname = current_database()`,
    );
  };
  const owners = [await openOwner(options), await openOwner(options)];
  for (let race = 0; race < races; race++) {
    const [owner, zombie] = race % 2 === 0 ? owners : [owners[1], owners[0]];
    const step = STEPS[race % STEPS.length];
    await claim(zombie);
    const [, isFenced] = await raceOnce(options, owner, zombie, { step, random, takeLock });
    const key = `${step[0]}: ${isFenced ? 'refused' : 'committed'}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  const [[rows, ids, first, last]] = await select(
    owners[0].sink,
    `SELECT count(*)::INTEGER, count(DISTINCT kafka_offset)::INTEGER, min(kafka_offset)::INTEGER,
       max(kafka_offset)::INTEGER
     FROM (SELECT kafka_partition, kafka_offset FROM cdc_orders
       UNION ALL SELECT partition_id, message_offset FROM sluice.quarantine) WHERE kafka_partition = 0`,
  );
  expect(ids).toBe(rows);
  expect(last).toBe(Number(first) + Number(rows) - 1);
  const gaps = await select(
    owners[0].sink,
    `SELECT * FROM (SELECT start_offset, lag(next_offset) OVER (ORDER BY start_offset) AS before
       FROM sluice.batches WHERE partition_id = 0) WHERE before <> start_offset`,
  );
  expect(gaps).toEqual([]);
  for (const { sink } of owners) await sink.close();
}

async function openOwner(options: DuckLakeSinkOptions): Promise<Owner> {
  return { sink: await openLakeSink(options), epoch: undefined, at: 0 };
}

async function claim(owner: Owner): Promise<void> {
  const [{ epoch, nextOffset }] = await takeOver(owner.sink, [0]);
  owner.epoch = epoch;
  owner.at = nextOffset;
}

/** The zombie is stopped before a statement of its commit. The owner claims the partition, and commits, or both do. */
async function raceOnce(
  options: DuckLakeSinkOptions,
  owner: Owner,
  zombie: Owner,
  { step: [name, statement], random, takeLock }: { step: Step; random: Random; takeLock: () => Promise<void> },
): Promise<[owner: boolean, zombie: boolean]> {
  const stopped = stopBefore(statement);
  const ofZombie = stops.run(stopped, () => commit(options, zombie));
  await stopped.reached;
  if (name === INSIDE) {
    stopped.go();
    await sleep(random.next() * INSIDE_MS);
    await claim(owner);
    return await Promise.all([commit(options, owner), ofZombie]);
  }
  await claim(owner);
  if (random.next() < 0.5) {
    stopped.go();
    return await Promise.all([commit(options, owner), ofZombie]);
  }
  await takeLock();
  const ofOwner = await commit(options, owner);
  stopped.go();
  return [ofOwner, await ofZombie];
}

/** @returns whether it was refused */
async function commit(options: DuckLakeSinkOptions, { sink, epoch, at }: Owner): Promise<boolean> {
  const orders = [0, 1, 2].map((index) => order(`offset-${at + index}`));
  await sink.stage(await makeLakeBatch(options, 0, at, [...orders, LARGE], { epoch }));
  try {
    await withRetries(() => sink.commit());
    return false;
  } catch (thrown) {
    if (!(thrown instanceof SluiceError) || thrown.code !== 'SLUICE_FENCED') throw thrown;
    return true;
  }
}

/** A commit that waits before a statement. */
interface Stop {
  readonly statement: RegExp;
  readonly reached: Promise<void>;
  readonly go: () => void;
  /** At the statement: resolves when it may run. */
  readonly wait: () => Promise<void>;
}

/** Of whoever runs within it. */
const stops = new AsyncLocalStorage<Stop>();

function stopBefore(statement: RegExp): Stop {
  let [reach, go] = [() => {}, () => {}];
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const going = new Promise<void>((resolve) => {
    go = resolve;
  });
  let isOver = false;
  const wait = async () => {
    if (isOver) return;
    isOver = true;
    reach();
    await going;
  };
  return { statement, reached, go: () => go(), wait };
}

/** Has connections wait at the statements of `stops`. @returns what ends that */
function stopAtStatements(): () => void {
  const { run } = DuckDBConnection.prototype;
  // Not a spy, which keeps all results: of 1,000 races they are 3 GB.
  DuckDBConnection.prototype.run = async function (this: DuckDBConnection, ...args) {
    const stop = stops.getStore();
    if (stop?.statement.test(args[0])) await stop.wait();
    return await run.apply(this, args);
  };
  return () => {
    DuckDBConnection.prototype.run = run;
  };
}
