import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.js';
import { describeKafka } from '../support/kafka/shared.js';
import { FORMAT_1, FORMAT_1_TOPIC, unpacked } from '../support/old-directories.js';
import { createTopic, produce } from '../support/produce.js';
import { runEnv, runUntilEnd } from './support.js';

describe('a data directory of an earlier version', () => {
  it('of format 1 verifies as it is, except for what it does not know', async () => {
    const dataDir = unpacked();
    const { code, stdout } = await runCli(['verify', '--no-kafka'], { env: { DATA_DIR: dataDir } });
    expect(code, stdout).toBe(0);
    expect(stdout).toMatch(/^skip {2}each partition begins .*: the data directory has format 1, "sluice run" brings/m);
    expect(stdout).toMatch(/everything agrees\n$/);
  });

  it('of format 2 verifies as it is, except for its markers', async () => {
    const { code, stdout } = await runCli(['verify', '--no-kafka'], { env: { DATA_DIR: unpacked(2) } });
    expect(code, stdout).toBe(0);
    expect(stdout.match(/^skip.*/gm)).toEqual([
      expect.stringMatching(
        /sluice\.markers has .*: the data directory has format 2, "sluice run" brings it up to date/,
      ),
    ]);
  });
});

describeKafka('a data directory of an earlier version, with its topic,', (bootstrap) => {
  it('of format 1 continues after the messages that it has', async () => {
    const dataDir = unpacked();
    const messages = readFileSync(join(FORMAT_1, 'messages.ndjson'), 'utf8').trim().split('\n');
    await createTopic(bootstrap(), FORMAT_1_TOPIC, 2);
    await produce(
      bootstrap(),
      FORMAT_1_TOPIC,
      messages.map((line) => JSON.parse(line)),
    );
    const more = { change_id: '826A00FF010000000100000001', operation: 'insert', order_id: '999' };
    await produce(bootstrap(), FORMAT_1_TOPIC, [{ partition: 1, key: '999', value: JSON.stringify(more) }]);
    const env = runEnv(bootstrap(), FORMAT_1_TOPIC, dataDir);
    expect(await runUntilEnd(env)).toMatchObject({ events: 1, merged: 1 });
    const { code, stdout } = await runCli(['verify'], { env });
    expect(code, stdout).toBe(0);
    expect(stdout).not.toMatch(/skip|unread/);
  });
});
