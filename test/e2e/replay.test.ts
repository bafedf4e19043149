/** `sluice replay` on what `sluice run` quarantined: killed at random moments, again, and beside a run. */
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { CliProcess, runCli, temporaryDataDir } from '../support/cli.js';
import { describeKafka } from '../support/kafka/shared.js';
import { produce } from '../support/produce.js';
import { Random } from '../support/random.js';
import { changeDatabase } from '../support/verifying.js';
import {
  filledTopic,
  hiddenFiles,
  parquetGlob,
  queryFile,
  refusal,
  runEnv,
  runUntilEnd,
  startRun,
  stop,
  verifies,
} from './support.js';

const MESSAGES = 4000;
const KILLS = 8;
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
const POSITIONS = 'SELECT partition_id, next_offset, watermark FROM sluice.positions ORDER BY ALL';

describeKafka('sluice replay', (bootstrap) => {
  it('has the result of a run with the new spec, killed at random moments and done twice', {
    timeout: 300_000,
  }, async () => {
    const seed = Number(process.env.REPLAY_SEED ?? Date.now() % 1_000_000);
    console.info(`REPLAY_SEED=${seed}`);
    const random = new Random(seed);
    const topic = await filledTopic(bootstrap(), 'replay', 2, messages(random));
    const small = { BATCH_ROWS: '100', COMMIT_ROWS: '300', COMPACT_AFTER_FILES: '0' };
    const [strict, loose] = [await specFile(true), await specFile(false)];
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { ...small, TABLE_SPEC: strict });
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

  it('is refused beside a run, where a dry run and the quarantine can be read', { timeout: 120_000 }, async () => {
    const topic = await filledTopic(bootstrap(), 'replay-live', 1, [
      { value: '{"id":"a","key":"a"}' },
      { value: '{"id":"b"}' },
    ]);
    const [strict, loose] = [await specFile(true), await specFile(false)];
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { TABLE_SPEC: strict });
    await runUntilEnd(env);
    const run = await startRun(env);
    const { code, error } = await refusal(['replay'], env);
    expect([code, error]).toEqual([3, expect.stringMatching(/SLUICE_LOCKED.*stop it, replay, and start it again/)]);
    const dry = await runCli(['replay', '--dry-run', '--spec', loose], { env });
    expect(dry.stdout).toMatch(/missing_required +2 +1 +1\n/);
    const samples = await runCli(['quarantine', '--samples', '5'], { env });
    expect(samples.stdout).toMatch(/partition 0, offset 0: missing_required shop\n/);
    await stop(run);
  });
});
