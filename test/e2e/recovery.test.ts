import { copyFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { temporaryDataDir } from '../support/cli.js';
import { orderEvents } from '../support/events.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { createTopic, produce } from '../support/produce.js';
import { committedSome, consumed, refusal, runEnv, startRun, stop } from './support.js';

const EVENTS = 60_000;
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
    const env = runEnv(bootstrap(), topic, dataDir, SMALL);
    const run = await startRun(env);
    await committedSome(dataDir, EVENTS);
    run.kill('SIGKILL');
    await run.ended;
    return env;
  }

  it('is refused after kill -9 and the loss of analytics.db.wal, with every file kept', async () => {
    const dataDir = await temporaryDataDir();
    const env = await killedRun(dataDir);
    rmSync(join(dataDir, 'analytics.db.wal'));
    const before = parquetFiles(dataDir);
    const { code, error } = await refusal(['run', '--until-end'], env);
    expect(code).toBe(3);
    expect(error).toMatch(/SLUICE_UNEXPLAINED_FILES.*recover --from-parquet.*recover --remove-uncounted/);
    expect(parquetFiles(dataDir)).toEqual(before);
  });

  it('is refused when an older analytics.db was put back', async () => {
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
