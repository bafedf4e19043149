/** Starts and ends that are cut off, or that the data directory does not allow: the next start works. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { CliProcess, temporaryDataDir } from '../support/cli.js';
import { mountedDisk, remount } from '../support/disk.js';
import { orderEvents } from '../support/events.js';
import { describeKafka } from '../support/kafka/shared.js';
import { filledTopic, refusal, runEnv, runUntilEnd, startRun, verifies } from './support.js';

const LONG = { timeout: 180_000 };
const EVENTS = 1000;

describeKafka('a start', (bootstrap) => {
  const topicOf = (name: string) => filledTopic(bootstrap(), name, 2, orderEvents({ count: EVENTS, ids: 'random' }));

  it('that is killed while it makes the database leaves nothing that stops the next one', LONG, async () => {
    const env = runEnv(bootstrap(), await topicOf('cut-off'), join(await temporaryDataDir(), 'data'));
    const isDatabase = (name: string) => /^\.?analytics/.test(name);
    for (let start = 0; start < 6; start++) {
      const run = await CliProcess.start(['run'], { env });
      while (!(existsSync(env.DATA_DIR) && readdirSync(env.DATA_DIR).some(isDatabase))) await setImmediate();
      run.kill('SIGKILL');
      await run.ended;
      // The one after it sees the moment again, unless the database was whole.
      if (existsSync(join(env.DATA_DIR, 'analytics.db'))) break;
    }
    expect(await runUntilEnd(env)).toMatchObject({ events: EVENTS });
    await verifies(env);
    expect(readdirSync(env.DATA_DIR).sort()).toEqual(['analytics.db', 'parquet']);
  });

  it('that had no space for the database leaves nothing that stops the next one', LONG, async ({ skip }) => {
    const disk = await mountedDisk('8k');
    if (disk === undefined) skip('no file system can be mounted here');
    const env = runEnv(bootstrap(), await topicOf('no-space'), join(disk!, 'data'));
    const { code, error } = await refusal(['run', '--until-end'], env);
    expect([code, error]).toEqual([3, expect.stringMatching(/SLUICE_DATA_DIR/)]);
    expect(readdirSync(env.DATA_DIR)).not.toContain('analytics.db');
    remount(disk!, 'size=64m');
    expect(await runUntilEnd(env)).toMatchObject({ events: EVENTS });
    await verifies(env);
  });

  it('removes leftovers before it writes, so that a disk that they fill does not stop it', LONG, async ({ skip }) => {
    const disk = await mountedDisk('64m');
    if (disk === undefined) skip('no file system can be mounted here');
    const env = runEnv(bootstrap(), await topicOf('leftovers'), join(disk!, 'data'));
    await runUntilEnd(env);
    const [folder] = readdirSync(join(env.DATA_DIR, 'parquet'));
    const partition = join(env.DATA_DIR, 'parquet', folder, 'sluice_partition=0');
    const leftover = join(partition, `.${'9'.padStart(20, '0')}-${'99'.padStart(20, '0')}.parquet.tmp`);
    fill(leftover);
    expect(await runUntilEnd(env)).toMatchObject({ events: 0 });
    expect(existsSync(leftover)).toBe(false);
    await verifies(env);
  });

  it('in a folder that cannot have any is refused at once', LONG, async () => {
    const { code, error } = await refusal(['run'], runEnv(bootstrap(), 'any', '/proc/sluice/data'));
    expect([code, error]).toEqual([3, expect.stringMatching(/SLUICE_DATA_DIR.*\/proc\/sluice\/data/)]);
  });
});

describeKafka('a second signal', (bootstrap) => {
  it.each(['SIGTERM', 'SIGINT'] as const)('ends the process at once, as %s does by default', LONG, async (signal) => {
    const topic = await filledTopic(bootstrap(), 'second-signal', 2, orderEvents({ count: 20_000, ids: 'random' }));
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { BATCH_ROWS: '1000', COMMIT_ROWS: '1000' });
    const run = await startRun(env);
    run.kill(signal);
    await run.line(/"msg":"stopping/);
    run.kill(signal);
    expect(await run.ended).toMatchObject({ code: null, signal });
    await runUntilEnd(env);
    await verifies(env);
  });
});

/** Writes a file that takes all the space that its disk has left. */
function fill(path: string): void {
  const block = Buffer.alloc(4096);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, '');
  for (;;) {
    try {
      writeFileSync(path, block, { flag: 'a' });
    } catch {
      return;
    }
  }
}
