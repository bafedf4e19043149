import { copyFileSync, existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { runCli, temporaryDataDir } from '../support/cli.js';
import { orderEvents } from '../support/events.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { createTopic, produce } from '../support/produce.js';
import {
  committedSome,
  consumed,
  queryFile,
  refusal,
  runEnv,
  runUntilEnd,
  startRun,
  stop,
  verifies,
} from './support.js';

const EVENTS = 60_000;
const LONG = { timeout: 300_000 };
/** Small batches and groups: there is something to lose in the write-ahead log. */
const SMALL = { BATCH_ROWS: '500', COMMIT_ROWS: '1500', FLUSH_INTERVAL_MS: '50' };

describeKafka('a database that lost commits', (bootstrap) => {
  const topic = uniqueTopic('recovery');

  beforeAll(async () => {
    await createTopic(bootstrap(), topic, 2);
    await produce(bootstrap(), topic, orderEvents({ count: EVENTS, seed: 11 }));
  });

  const parquetFiles = (dataDir: string) =>
    readdirSync(join(dataDir, 'parquet'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\d\.parquet$/.test(name),
    );

  /** A run that is killed after it has committed something. @returns its environment */
  async function killedRun(dataDir: string): Promise<Record<string, string>> {
    // A group of its own: no offsets of another directory decide where this one begins.
    const env = runEnv(bootstrap(), topic, dataDir, { ...SMALL, KAFKA_GROUP_ID: uniqueTopic('group') });
    const run = await startRun(env);
    await committedSome(dataDir, EVENTS);
    run.kill('SIGKILL');
    await run.ended;
    return env;
  }

  it('is refused after kill -9 without analytics.db.wal, with every file kept, and runs on with it', LONG, async () => {
    const dataDir = await temporaryDataDir();
    const env = await killedRun(dataDir);
    const log = join(dataDir, 'analytics.db.wal');
    renameSync(log, `${log}.elsewhere`);
    const before = parquetFiles(dataDir);
    const { code, error } = await refusal(['run', '--until-end'], env);
    expect(code).toBe(3);
    expect(error).toMatch(/SLUICE_UNEXPLAINED_FILES.*recover --from-parquet.*recover --remove-uncounted/);
    expect(parquetFiles(dataDir)).toEqual(before);
    renameSync(`${log}.elsewhere`, log);
    await runUntilEnd(env);
    await verifies(env);
  });

  it(
    'is made from the files, even if that is killed several times, and the run continues to the same result',
    LONG,
    async () => {
      const calmDir = await temporaryDataDir();
      const calm = runEnv(bootstrap(), topic, calmDir, { KAFKA_GROUP_ID: `${topic}-calm` });
      await runUntilEnd(calm);
      const dataDir = await temporaryDataDir();
      const env = await killedRun(dataDir);
      rmSync(join(dataDir, 'analytics.db.wal'));
      const before = parquetFiles(dataDir);
      let outcome = { code: null as number | null, stdout: '', stderr: '' };
      for (let timeoutMs = 300; outcome.code === null; timeoutMs += 100) {
        outcome = await runCli(['recover', '--from-parquet'], { env, timeoutMs });
        expect(parquetFiles(dataDir)).toEqual(before);
      }
      expect(outcome.code, outcome.stderr).toBe(0);
      expect(outcome.stdout).toContain('analytics.db is made anew');
      expect(existsSync(join(dataDir, '.recovery'))).toBe(false);
      await runUntilEnd(env);
      await verifies(env);
      const table = 'FROM cdc_orders ORDER BY kafka_partition, kafka_offset';
      expect(await queryFile(dataDir, table)).toEqual(await queryFile(calmDir, table));
    },
  );

  it('is consumed again after --remove-uncounted, to the same result', LONG, async () => {
    const dataDir = await temporaryDataDir();
    const env = await killedRun(dataDir);
    rmSync(join(dataDir, 'analytics.db.wal'));
    const { code, stdout } = await runCli(['recover'], { env });
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /(Parquet files that the database does not explain|analytics.db is empty).*--remove-uncounted/s,
    );
    expect(await runCli(['recover', '--remove-uncounted'], { env })).toMatchObject({ code: 0 });
    await runUntilEnd(env);
    await verifies(env);
  });

  it('is refused when an older analytics.db was put back', LONG, async () => {
    const dataDir = await temporaryDataDir();
    const database = join(dataDir, 'analytics.db');
    const env = runEnv(bootstrap(), topic, dataDir, { ...SMALL, KAFKA_GROUP_ID: `${topic}-older` });
    const first = await startRun(env);
    await committedSome(dataDir, EVENTS);
    await stop(first);
    copyFileSync(database, `${database}.older`);
    const second = await startRun(env);
    const before = await consumed(dataDir);
    await vi.waitFor(async () => expect(await consumed(dataDir)).toBeGreaterThan(before + 3000), { timeout: 30_000 });
    second.kill('SIGKILL');
    await second.ended;
    renameSync(database, `${database}.newer`);
    rmSync(`${database}.wal`);
    copyFileSync(`${database}.older`, database);
    const files = parquetFiles(dataDir);
    const { code, error } = await refusal(['run', '--until-end'], env);
    expect(code).toBe(3);
    expect(error).toMatch(/SLUICE_UNEXPLAINED_FILES/);
    expect(parquetFiles(dataDir)).toEqual(files);
  });
});
