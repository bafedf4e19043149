/** Several processes that share a topic and a lake, while some of them are killed, paused, stopped and added. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { rowsOf } from '../../src/core/sql.js';
import { connectLake, openLake } from '../../src/sinks/ducklake/lake.js';
import { CliProcess, type CliResult, temporaryDataDir } from '../support/cli.js';
import { EXTENSION_DIRECTORY, whyNoExtensions } from '../support/duckdb-extensions.js';
import { orderEvents } from '../support/events.js';
import { describeKafka } from '../support/kafka/shared.js';
import { lakeOptions } from '../support/lakes.js';
import { describePostgres } from '../support/postgres.js';
import { Random } from '../support/random.js';
import { filledTopic, queryFile, runEnv, runUntilEnd, verifies } from './support.js';

/** `LAKE_EVENTS=3000000 LAKE_SEED=…` for a long run, and to repeat one. */
const EVENTS = Number(process.env.LAKE_EVENTS ?? 120_000);
const SEED = Number(process.env.LAKE_SEED ?? Date.now() % 1_000_000);
const PARTITIONS = 12;
const PROCESSES = 3;
const TIMEOUT_MS = 300_000 + EVENTS;
/** Of the group: a process that stands still for longer loses its partitions. */
const SESSION_MS = 6000;
const SMALL = { BATCH_ROWS: '500', COMMIT_ROWS: '2000', FLUSH_INTERVAL_MS: '100' };

/** What happens to processes, one event of it after the other. */
const ROUNDS = Math.max(2 * PROCESSES, EVENTS / 60_000);

/** Of every row with all its columns, but few enough results for millions of rows. */
const CHANGES = `SELECT kafka_partition, kafka_offset // 100, count(*)::INTEGER, sum(hash(*COLUMNS(*))) FROM cdc_orders
  GROUP BY ALL ORDER BY ALL`;

describe.skipIf(whyNoExtensions() !== undefined)('a lake of several processes', () => {
  describePostgres('with its catalog in Postgres', (postgres) => {
    describeKafka('and a topic', (bootstrap) => {
      it(`has each of ${EVENTS} events once, whatever happens to ${PROCESSES} processes`, {
        timeout: TIMEOUT_MS,
      }, async () => {
        console.log(`seed ${SEED}`);
        const events = [...orderEvents({ count: EVENTS, seed: 17 })];
        const topic = await filledTopic(bootstrap(), 'lake-processes', PARTITIONS, events);
        const folder = await temporaryDataDir();
        const catalog = `postgres:${await postgres().createDatabase()}`;
        const envs = await Promise.all(
          Array.from({ length: PROCESSES }, async () =>
            runEnv(bootstrap(), topic, await temporaryDataDir(), {
              ...SMALL,
              SINK: 'ducklake',
              LAKE_CATALOG: catalog,
              LAKE_DATA_PATH: join(folder, 'lake'),
              DUCKDB_EXTENSION_DIRECTORY: EXTENSION_DIRECTORY,
              KAFKA_CONFIG_SESSION_TIMEOUT_MS: `${SESSION_MS}`,
              KAFKA_GROUP_ID: `${topic}-lake`,
            }),
          ),
        );
        await disturb(envs, new Random(SEED));
        const calm = runEnv(bootstrap(), topic, await temporaryDataDir());
        const { merged, duplicate, quarantined, tombstone } = await runUntilEnd(calm);

        const options = { ...lakeOptions(folder, catalog), dataPath: join(folder, 'lake') };
        const instance = await openLake(options);
        const connection = await connectLake(instance);
        const [sums] = await rowsOf(
          connection,
          `SELECT sum(rows_merged)::INTEGER AS merged, sum(rows_duplicate)::INTEGER AS duplicate,
             sum(rows_quarantined)::INTEGER AS quarantined, sum(rows_tombstone)::INTEGER AS tombstone
           FROM sluice.batches`,
        );
        expect(sums).toEqual({ merged, duplicate, quarantined, tombstone });
        const inLake = (await connection.runAndReadAll(CHANGES)).getRows();
        expect(inLake.reduce((sum, row) => sum + Number(row[2]), 0)).toBe(merged);
        expect(inLake).toEqual(await queryFile(calm.DATA_DIR, CHANGES));
        connection.closeSync();
        instance.closeSync();
        // Files of commits that were not finished would be named.
        expect(await verifies(envs[0])).not.toMatch(/not finished/);
      });
    });
  });
});

/** Runs until all is consumed. What happens to whom, and when, is random; the last processes are left in peace. */
async function disturb(envs: readonly Record<string, string>[], random: Random): Promise<void> {
  const start = (env: Record<string, string>) => CliProcess.start(['run'], { env, timeoutMs: TIMEOUT_MS });
  const running: (CliProcess | undefined)[] = [];
  for (const env of envs) running.push(await start(env));
  const counts = { killed: 0, stopped: 0, paused: 0, fenced: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(500 + random.next() * 2500);
    const index = Math.floor(random.next() * envs.length);
    const process = running[index];
    if (process === undefined) continue;
    const action = (['killed', 'stopped', 'paused'] as const)[round % 3];
    counts[action]++;
    if (action === 'paused') {
      process.kill('SIGSTOP');
      await sleep(SESSION_MS * 1.5);
      process.kill('SIGCONT');
    } else {
      process.kill(action === 'killed' ? 'SIGKILL' : 'SIGTERM');
      const ended = await end(process);
      if (action === 'stopped' && ended.code !== 0 && !isEarly(ended)) expect(ended.stderr).toMatch(FENCED);
      running[index] = await start(envs[index]);
    }
  }
  for (const process of running) process?.kill('SIGTERM');
  for (const process of running) {
    const ended = await end(process as CliProcess);
    if (ended.code === 0 || isEarly(ended)) continue;
    // A process that lost its partitions while it stood still is told so when it commits.
    expect(ended.stderr).toMatch(FENCED);
    counts.fenced++;
  }
  console.log(JSON.stringify(counts));
  const last = await Promise.all(
    envs.map((env) => CliProcess.start(['run', '--until-end'], { env, timeoutMs: TIMEOUT_MS })),
  );
  for (const process of last) {
    const { code, stderr } = await process.ended;
    expect(code, stderr).toBe(0);
  }
}

const FENCED = /SLUICE_FENCED|did not end within/;

/** One that has only just begun ends at SIGTERM itself; one that was paused while it opened the lake had ended. */
function isEarly({ signal, stderr }: CliResult): boolean {
  return (signal === 'SIGTERM' && stderr === '') || /the lake cannot be opened/.test(stderr);
}

/** One that does not end is killed, and fails the test: SIGTERM ends a process in bounded time. */
async function end(process: CliProcess): Promise<CliResult> {
  const timer = setTimeout(() => process.kill('SIGKILL'), 120_000);
  return await process.ended.finally(() => clearTimeout(timer));
}
