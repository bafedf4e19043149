import { expect, it } from 'vitest';
import { runCli, temporaryDataDir } from '../support/cli.js';
import { orderEvents } from '../support/events.js';
import { describeKafka } from '../support/kafka/shared.js';
import { createTopic, deleteTopic, produce } from '../support/produce.js';
import { filledTopic, runEnv, runUntilEnd } from './support.js';

describeKafka('verify on a real topic', (bootstrap) => {
  it('tells what is unread, and finds a topic that was deleted and made again', { timeout: 120_000 }, async () => {
    const topic = await filledTopic(bootstrap(), 'verify', 2, orderEvents({ count: 500, seed: 3 }));
    const env = runEnv(bootstrap(), topic, await temporaryDataDir());
    await runUntilEnd(env);
    await produce(bootstrap(), topic, [{ partition: 1, key: 'k', value: '{}', timestamp: Date.UTC(2026, 0, 2) }]);
    const unread = await runCli(['verify'], { env });
    expect(unread.code, unread.stdout).toBe(0);
    expect(unread.stdout).toContain('note  partition 1: 1 message unread, the oldest from 2026-01-02T00:00:00.000Z\n');
    await deleteTopic(bootstrap(), topic);
    await createTopic(bootstrap(), topic, 3);
    await produce(bootstrap(), topic, orderEvents({ count: 3000, seed: 4 }));
    const anew = await runCli(['verify'], { env });
    expect(anew.code, anew.stdout).toBe(1);
    expect(anew.stdout).toMatch(/^FAIL {2}the topic is the one .*\n {8}the topic has the id .*: it was made anew$/m);
    expect(anew.stdout).toMatch(/^FAIL {2}every partition .*\n {8}partition 2: nothing was read of offsets 0 to \d+$/m);
  });
});
