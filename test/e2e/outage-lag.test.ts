/** What a run shows of its lag while no broker answers: what is known, and since when. */
import { expect, it, vi } from 'vitest';
import { temporaryDataDir } from '../support/cli.js';
import { orderEvents } from '../support/events.js';
import { describePrivateKafka } from '../support/kafka/shared.js';
import { freePort } from '../support/ports.js';
import { committedSome, filledTopic, runEnv, startRun, stop } from './support.js';

const LONG = { timeout: 120_000 };
const EVENTS = 60_000;

describePrivateKafka('a run whose broker is gone', (broker) => {
  it('still shows the messages that wait, and how old that knowledge is', LONG, async () => {
    const { bootstrap } = broker();
    const topic = await filledTopic(bootstrap, 'gone', 4, orderEvents({ count: EVENTS }));
    const port = await freePort();
    const env = runEnv(bootstrap, topic, await temporaryDataDir(), {
      ...{ BATCH_ROWS: '500', COMMIT_ROWS: '1000', WORKERS: '1', METRICS_PORT: `${port}` },
      KAFKA_CONFIG_QUEUED_MIN_MESSAGES: '1000',
      KAFKA_CONFIG_QUEUED_MAX_MESSAGES_KBYTES: '256',
    });
    const run = await startRun(env);
    /** Of all partitions together. */
    const metric = async (name: string) => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      const values = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (.*)$`, 'gm'))];
      return values.reduce((sum, [, value]) => sum + Number(value), 0);
    };
    await committedSome(env.DATA_DIR, EVENTS);
    await broker().kill();
    await vi.waitFor(async () => expect(await metric('sluice_lag_age_seconds')).toBeGreaterThan(12), LONG);
    const waiting = EVENTS - (await metric('sluice_position'));
    expect(waiting).toBeGreaterThan(0);
    expect(await metric('sluice_lag_messages')).toBe(waiting);
    await run.line(new RegExp(`"lag":${waiting},"lagAgeSeconds":[1-9].*"progress"`));
    await broker().restart();
    await vi.waitFor(async () => expect(await metric('sluice_lag_messages')).toBe(0), LONG);
    await vi.waitFor(async () => expect(await metric('sluice_lag_age_seconds')).toBeLessThan(12), LONG);
    await stop(run);
  });
});
