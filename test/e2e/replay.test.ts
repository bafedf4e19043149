/** `sluice replay` on what `sluice run` quarantined: killed at random moments, again, beside a run, and on a lake. */
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { allRows, openSql } from '../../src/query/sql-client.js';
import { listFiles } from '../../src/storage/data-dir.js';
import { CliProcess, runCli, temporaryDataDir } from '../support/cli.js';
import { whyNoExtensions } from '../support/duckdb-extensions.js';
import { describeKafka } from '../support/kafka/shared.js';
import { lakeOptions, onLake } from '../support/lakes.js';
import { describePostgres } from '../support/postgres.js';
import { produce } from '../support/produce.js';
import { Random } from '../support/random.js';
import { changeDatabase } from '../support/verifying.js';
import {
  consumedIs,
  filledTopic,
  hiddenFiles,
  LAKE_ENV,
  parquetGlob,
  queryFile,
  refusal,
  runEnv,
  runUntilEnd,
  SINKS,
  startRun,
  stop,
  verifies,
} from './support.js';

const MESSAGES = 4000;
const KILLS = 6;
const SMALL = { BATCH_ROWS: '100', COMMIT_ROWS: '300', COMPACT_AFTER_FILES: '0' };
/** Enough for some, and too few to reach the end in all kills together. */
const MAX_FILES_PER_KILL = 4;

async function specFile(required: boolean): Promise<string> {
  const columns = [
    { name: 'id', kind: 'text', required: true, role: 'change_id' },
    { name: 'key', kind: 'text', required: true, role: 'key' },
    { name: 'at', kind: 'timestamp', role: 'event_time' },
    { name: 'shop', kind: 'text', required },
  ];
  const file = join(await temporaryDataDir(), 'spec.json');
  writeFileSync(file, JSON.stringify({ table: 'changes', view: 'newest', columns }));
  return file;
}

/** A fifth lack what the strict spec requires, and a tenth are no JSON. */
function* messages(random: Random) {
  for (let id = 0; id < MESSAGES; id++) {
    const fate = random.next();
    const shop = fate < 0.2 ? {} : { shop: 's' };
    const text = JSON.stringify({ id: `i${id}`, key: `k${id % 100}`, at: '2026-01-01T00:00:00Z', ...shop });
    yield { key: `k${id % 100}`, value: fate > 0.9 ? text.slice(0, -1) : text };
  }
}

/** Parquet files that were written since then; 0 if a folder left while they were looked for. */
function filesSince(dataDir: string, sinceMs: number): number {
  const folder = join(dataDir, 'parquet');
  try {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.parquet$/.test(name));
    const times = names.map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0);
    return times.filter((time) => time > sinceMs).length;
  } catch {
    return 0;
  }
}

const ROWS = 'SELECT * FROM changes ORDER BY kafka_partition, kafka_offset';
const QUARANTINE = 'FROM sluice.quarantine ORDER BY partition_id, message_offset';
const COUNTS = `SELECT partition_id, sum(rows_consumed)::INTEGER, sum(rows_merged)::INTEGER,
  sum(rows_quarantined)::INTEGER, sum(rows_late)::INTEGER FROM sluice.batches GROUP BY ALL ORDER BY ALL`;
/** Of both sinks. */
const CHANGES = `SELECT id, key, "at", shop, kafka_partition, kafka_offset, is_late FROM changes
  ORDER BY kafka_partition, kafka_offset`;
const PLACES = 'SELECT partition_id, message_offset, reason FROM sluice.quarantine ORDER BY ALL';
const SUMS = `SELECT partition_id, sum(rows_consumed)::INTEGER, sum(rows_merged)::INTEGER,
  sum(rows_quarantined)::INTEGER FROM sluice.batches GROUP BY ALL ORDER BY ALL`;
const POSITIONS = 'SELECT partition_id, next_offset, watermark FROM sluice.positions ORDER BY ALL';

describeKafka('sluice replay', (bootstrap) => {
  it('has the result of a run with the new spec, killed at random moments and done twice', {
    timeout: 300_000,
  }, async () => {
    const seed = Number(process.env.REPLAY_SEED ?? Date.now() % 1_000_000);
    console.info(`REPLAY_SEED=${seed}`);
    const random = new Random(seed);
    const topic = await filledTopic(bootstrap(), 'replay', 2, messages(random));
    const [strict, loose] = [await specFile(true), await specFile(false)];
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { ...SMALL, TABLE_SPEC: strict });
    await runUntilEnd(env);
    const calm = { ...env, DATA_DIR: await temporaryDataDir(), TABLE_SPEC: loose, KAFKA_GROUP_ID: `${topic}-calm` };
    await runUntilEnd(calm);
    const before = await queryFile(env.DATA_DIR, QUARANTINE);

    const args = ['replay', '--spec', loose];
    const dry = await runCli([...args, '--dry-run'], { env });
    expect([dry.code, dry.stderr]).toEqual([0, '']);
    expect(dry.stdout).toMatch(/missing_required +(\d+) +\1 +0\n.*a dry run: nothing was changed\n/s);
    expect(await queryFile(env.DATA_DIR, QUARANTINE)).toEqual(before);

    const left: number[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const sinceMs = Date.now();
      const replay = await CliProcess.start(args, { env });
      const ended = replay.ended.then(() => true);
      // A quarter of the moments lie in the start; the others follow the files, so that any machine is fast enough.
      if (kill % 4 !== 0) {
        const target = random.next() * MAX_FILES_PER_KILL;
        while (filesSince(env.DATA_DIR, sinceMs) < target && !(await Promise.race([ended, sleep(2)])));
        await sleep(random.next() * 100);
      } else await sleep(random.next() * 1500);
      replay.kill('SIGKILL');
      await replay.ended;
      const [[count]] = await queryFile(env.DATA_DIR, 'SELECT count(*)::INTEGER FROM sluice.quarantine');
      left.push(count as number);
    }
    console.info(`in the quarantine after each kill: ${left.join(' ')}`);
    expect(Math.min(...left), 'some kills came in the middle').toBeLessThan(left[0]);
    const last = await runCli(args, { env });
    expect([last.code, last.stdout], last.stderr).toEqual([
      0,
      expect.stringMatching(/merged, 0 duplicates, 0 markers/),
    ]);
    await verifies(env);
    const again = await runCli(args, { env });
    expect(again.stdout).toMatch(/\n0 merged, 0 duplicates, 0 markers/);

    for (const sql of [ROWS, QUARANTINE, COUNTS, POSITIONS]) {
      expect(await queryFile(env.DATA_DIR, sql), sql).toEqual(await queryFile(calm.DATA_DIR, sql));
    }
    const files = (dataDir: string) => `SELECT count(*), count(DISTINCT (kafka_partition, kafka_offset)),
      bit_xor(hash(f)) FROM ${parquetGlob(dataDir)} f`;
    expect(await queryFile(env.DATA_DIR, files(env.DATA_DIR))).toEqual(
      await queryFile(calm.DATA_DIR, files(calm.DATA_DIR)),
    );
    expect(hiddenFiles(env.DATA_DIR)).toEqual([]);

    // The run goes on, with the new spec.
    await produce(bootstrap(), topic, [{ key: 'k', value: '{"id":"new","key":"k"}' }]);
    expect(await runUntilEnd({ ...env, TABLE_SPEC: loose })).toMatchObject({ events: 1, merged: 1 });
    await verifies(env);
    await changeDatabase(
      env.DATA_DIR,
      `DELETE FROM changes USING (FROM sluice.replays LIMIT 1) r
       WHERE kafka_partition = partition_id AND kafka_offset = message_offset`,
    );
    const failed = await runCli(['verify', '--no-kafka'], { env });
    expect([failed.code, failed.stdout]).toEqual([1, expect.stringMatching(/it was replayed, and is no row/)]);
  });

  it.each(SINKS)('works beside a run, whichever of the two is killed: SINK=%s', { timeout: 300_000 }, async (sink) => {
    const random = new Random(7);
    const [early, late] = [[...messages(random)].slice(0, 1500), [...messages(random)].slice(1500, 2500)];
    const topic = await filledTopic(bootstrap(), 'replay-live', 2, early);
    const [strict, loose] = [await specFile(true), await specFile(false)];
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), {
      ...{ ...SMALL, TABLE_SPEC: strict },
      ...(sink === 'ducklake' && LAKE_ENV),
    });
    await runUntilEnd(env);
    // A replay in many pieces.
    const today = { ...env, TABLE_SPEC: loose, BATCH_BYTES: '1024' };
    let run = await startRun(today);
    await produce(bootstrap(), topic, late);
    for (const victim of ['replay', 'run']) {
      const before = await piecesReplayed(env.DATA_DIR);
      const replay = await CliProcess.start(['replay'], { env: today });
      const ended = replay.ended.then(() => true);
      // One piece may be of the replay that was killed.
      while ((await piecesReplayed(env.DATA_DIR)) < before + 2 && !(await Promise.race([ended, sleep(2)])));
      (victim === 'run' ? run : replay).kill('SIGKILL');
      const { code, stderr } = await replay.ended;
      if (victim === 'replay') continue;
      expect([code, stderr]).toEqual([expect.any(Number), expect.stringMatching(/SLUICE_QUERY.*has ended/)]);
      await run.ended;
      run = await startRun(today);
    }
    const last = await runCli(['replay'], { env: today });
    expect([last.code, last.stdout], last.stderr).toEqual([0, expect.stringMatching(/[1-9]\d* merged, 0 duplicates/)]);
    expect((await runCli(['replay'], { env: today })).stdout).toMatch(/\n0 merged, 0 duplicates, 0 markers/);
    const { code, error } = await refusal(['replay', '--spec', strict], today);
    expect([code, error]).toEqual([
      expect.any(Number),
      expect.stringMatching(/SLUICE_SPEC_CHANGED.*another table spec/),
    ]);
    await consumedIs(env.DATA_DIR, 2500);
    await stop(run);
    await verifies(env);
    const calm = runEnv(bootstrap(), topic, await temporaryDataDir(), { TABLE_SPEC: loose });
    await runUntilEnd({ ...calm, KAFKA_GROUP_ID: `${topic}-calm` });
    for (const sql of [CHANGES, PLACES, SUMS]) {
      expect(await queryFile(env.DATA_DIR, sql), sql).toEqual(await queryFile(calm.DATA_DIR, sql));
    }
  });

  describe.skipIf(whyNoExtensions() !== undefined)('on a lake', () => {
    describePostgres('with its catalog in Postgres', (postgres) => {
      it('takes each message once, by two replays at once of which one is killed', { timeout: 300_000 }, async () => {
        const topic = await filledTopic(bootstrap(), 'replay-two', 2, [...messages(new Random(11))].slice(0, 1500));
        const [strict, loose] = [await specFile(true), await specFile(false)];
        const [one, two] = [await temporaryDataDir(), await temporaryDataDir()];
        const lake = {
          LAKE_CATALOG: `postgres:${await postgres().createDatabase()}`,
          LAKE_DATA_PATH: join(one, 'lake'),
        };
        const env = runEnv(bootstrap(), topic, one, { ...SMALL, ...LAKE_ENV, ...lake, TABLE_SPEC: strict });
        await runUntilEnd(env);
        const start = (DATA_DIR: string) =>
          CliProcess.start(['replay'], { env: { ...env, DATA_DIR, TABLE_SPEC: loose }, timeoutMs: 120_000 });
        const killed = await start(one);
        const other = await start(two);
        const ended = killed.ended.then(() => true);
        const files = () => listFiles(join(one, 'lake', 'main', 'changes')).length;
        while (files() < 5 && !(await Promise.race([ended, sleep(2)])));
        killed.kill('SIGKILL');
        await killed.ended;
        const both = await Promise.all([other.ended, (await start(one)).ended]);
        for (const { code, stderr } of both) expect(code, stderr).toBe(0);
        await verifies(env);
        const calm = runEnv(bootstrap(), topic, await temporaryDataDir(), { TABLE_SPEC: loose });
        await runUntilEnd({ ...calm, KAFKA_GROUP_ID: `${topic}-calm` });
        for (const sql of [CHANGES, PLACES, SUMS]) {
          const rows = await onLake({ ...lakeOptions(one, lake.LAKE_CATALOG), dataPath: lake.LAKE_DATA_PATH }, sql);
          expect(rows, sql).toEqual(await queryFile(calm.DATA_DIR, sql));
        }
      });
    });
  });
});

/** How many pieces replays have committed, asked of the process that runs. */
async function piecesReplayed(dataDir: string): Promise<number> {
  const client = await openSql(dataDir);
  try {
    const hasTable = "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'sluice' AND table_name = 'replays'";
    if ((await allRows(client, hasTable)).length === 0) return 0;
    const [{ n }] = await allRows(client, 'SELECT count(DISTINCT replayed_at)::INTEGER AS n FROM sluice.replays');
    return Number(n);
  } finally {
    client.close();
  }
}
