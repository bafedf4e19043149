/** A topic is more than its name: what a run does when the topic, or its log, is not the one that it read. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { type CliProcess, runCli, temporaryDataDir } from '../support/cli.js';
import { orderEvents } from '../support/events.js';
import { describeKafka, describePrivateKafka, loseLog } from '../support/kafka/shared.js';
import { createTopic, deleteRecordsBefore, deleteTopic, growTopic, produce } from '../support/produce.js';
import {
  consumedIs,
  filledTopic,
  queryFile,
  refusal,
  runEnv,
  runUntilEnd,
  startRun,
  stop,
  verifies,
} from './support.js';

const LONG = { timeout: 180_000 };
const READERS = ['auto', 'stock'];
const events = (count: number, seed = 1) =>
  orderEvents({ count, seed, shares: {}, startMs: Date.UTC(2025, 5, seed), ids: 'random' });

/** What is committed of partition 0: its position, and the rows of the table. */
async function committed(dataDir: string): Promise<unknown[]> {
  const sql = `SELECT (SELECT next_offset::INTEGER FROM sluice.positions WHERE partition_id = 0),
    (SELECT count(*)::INTEGER FROM cdc_orders)`;
  return (await queryFile(dataDir, sql))[0];
}

const startsOf = async (dataDir: string) =>
  queryFile(dataDir, 'SELECT partition_id, start_reason FROM sluice.positions ORDER BY 1');

async function madeAgain(bootstrap: string, topic: string, messages: number): Promise<void> {
  await deleteTopic(bootstrap, topic);
  // The brokers finish a deletion after they have answered it.
  await vi.waitFor(() => createTopic(bootstrap, topic, 1), { timeout: 30_000, interval: 100 });
  await produce(bootstrap, topic, events(messages, 2));
}

describeKafka('a topic that was made again under its name', (bootstrap) => {
  it.each([10, 300])('ends a run that starts (%d messages)', LONG, async (messages) => {
    const topic = await filledTopic(bootstrap(), 'again', 1, events(100));
    const env = runEnv(bootstrap(), topic, await temporaryDataDir());
    await runUntilEnd(env);
    await madeAgain(bootstrap(), topic, messages);
    const { code, error } = await refusal(['run', '--until-end'], env);
    expect(code).toBe(3);
    expect(error).toMatch(/SLUICE_TOPIC_CHANGED.*topic id.*DATA_DIR of its own/);
    expect(await committed(env.DATA_DIR)).toEqual([100, 100]);
    const anew = { ...env, DATA_DIR: await temporaryDataDir() };
    expect(await runUntilEnd(anew)).toMatchObject({ merged: messages });
  });

  it('ends a run that waits for messages', LONG, async () => {
    const topic = await filledTopic(bootstrap(), 'waiting', 1, events(100));
    const env = runEnv(bootstrap(), topic, await temporaryDataDir());
    const run = await startRun(env);
    await consumedIs(env.DATA_DIR, 100);
    await madeAgain(bootstrap(), topic, 300);
    const { code, stderr } = await run.ended;
    expect(code, stderr).toBe(3);
    expect(stderr).toMatch(/SLUICE_TOPIC_(CHANGED|ABSENT)/);
    expect(await committed(env.DATA_DIR)).toEqual([100, 100]);
  });

  it.each(READERS)('ends a run that saw nothing of the change (KAFKA_SOURCE=%s)', LONG, async (reader) => {
    const topic = await filledTopic(bootstrap(), 'unseen', 1, events(100));
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), {
      KAFKA_SOURCE: reader,
      KAFKA_CONFIG_SESSION_TIMEOUT_MS: '60000',
    });
    const run = await startRun(env);
    await consumedIs(env.DATA_DIR, 100);
    run.kill('SIGSTOP');
    await madeAgain(bootstrap(), topic, 300);
    run.kill('SIGCONT');
    const { code, stderr } = await run.ended;
    expect(code, stderr).toBe(3);
    expect(stderr).toMatch(/SLUICE_TOPIC_CHANGED/);
    expect(await committed(env.DATA_DIR)).toEqual([100, 100]);
  });
});

describe.each(READERS)('KAFKA_SOURCE=%s', (reader) => {
  describePrivateKafka('a log that was lost and has grown past the position again', (broker) => {
    it('ends a run that starts', LONG, async () => {
      const { bootstrap } = broker();
      const topic = await filledTopic(bootstrap, 'lost', 1, events(100));
      const env = runEnv(bootstrap, topic, await temporaryDataDir(), { KAFKA_SOURCE: reader });
      await runUntilEnd(env);
      await loseLog(broker(), topic);
      await produce(bootstrap, topic, events(300, 2));
      const { code, error } = await refusal(['run', '--until-end', '--on-lost-offsets', 'gap'], env);
      expect(code).toBe(3);
      expect(error).toMatch(/SLUICE_TOPIC_CHANGED.*truncated.*partition 0.*position 100/);
      expect(await committed(env.DATA_DIR)).toEqual([100, 100]);
    });

    it('ends a run that waits for messages', LONG, async () => {
      const { bootstrap } = broker();
      const topic = await filledTopic(bootstrap, 'lost-running', 1, events(100));
      const env = runEnv(bootstrap, topic, await temporaryDataDir(), {
        KAFKA_SOURCE: reader,
        KAFKA_CONFIG_SESSION_TIMEOUT_MS: '60000',
      });
      const run = await startRun(env);
      await consumedIs(env.DATA_DIR, 100);
      run.kill('SIGSTOP');
      await loseLog(broker(), topic);
      await produce(bootstrap, topic, events(300, 2));
      run.kill('SIGCONT');
      const { code, stderr } = await run.ended;
      expect(code, stderr).toBe(3);
      expect(stderr).toMatch(/SLUICE_TOPIC_CHANGED.*truncated/);
      expect(await committed(env.DATA_DIR)).toEqual([100, 100]);
    });
  });
});

describeKafka('where a partition begins', (bootstrap) => {
  it('is its start in a new data directory, whatever the group has committed', LONG, async () => {
    const topic = await filledTopic(bootstrap(), 'used', 1, events(100));
    const env = runEnv(bootstrap(), topic, await temporaryDataDir());
    await runUntilEnd(env);
    const anew = { ...env, DATA_DIR: await temporaryDataDir() };
    expect(await runUntilEnd(anew)).toMatchObject({ merged: 100 });
    expect(await startsOf(anew.DATA_DIR)).toEqual([[0, 'earliest']]);
    await produce(bootstrap(), topic, events(50, 2));
    const group = { ...env, DATA_DIR: await temporaryDataDir(), START_FROM: 'group' };
    expect(await runUntilEnd(group)).toMatchObject({ merged: 50 });
    expect(await startsOf(group.DATA_DIR)).toEqual([[0, 'group']]);
  });

  it('is its start for one that was added while the run was down, and another run read it', LONG, async () => {
    const topic = await filledTopic(bootstrap(), 'added', 2, events(1000));
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { START_FROM: 'group' });
    await runUntilEnd(env);
    await growTopic(bootstrap(), topic, 4);
    await produce(bootstrap(), topic, events(5000, 2));
    await runUntilEnd({ ...env, DATA_DIR: await temporaryDataDir() });
    expect(await runUntilEnd(env)).toMatchObject({ merged: 5000 });
    const counts = 'SELECT count(*)::INTEGER FROM cdc_orders';
    expect(await queryFile(env.DATA_DIR, counts)).toEqual([[6000]]);
    expect((await startsOf(env.DATA_DIR)).slice(2)).toEqual([
      [2, 'new_partition'],
      [3, 'new_partition'],
    ]);
    await verifies(env);
  });
});

describeKafka('offsets that Kafka deleted before they were read', (bootstrap) => {
  const gapsOf = (dataDir: string) =>
    queryFile(dataDir, `SELECT start_offset::INTEGER, next_offset::INTEGER FROM sluice.batches WHERE kind = 'gap'`);

  /** Stops the process while the messages after its position come and are deleted. */
  async function overtake(run: CliProcess, topic: string): Promise<void> {
    run.kill('SIGSTOP');
    // The broker answers a fetch that waits for messages after 100 ms, or with the first ones that come before.
    await sleep(500);
    await produce(bootstrap(), topic, events(100, 2));
    await deleteRecordsBefore(bootstrap(), topic, 0, 150);
    run.kill('SIGCONT');
  }

  it('become a gap at a start with --on-lost-offsets gap', LONG, async () => {
    const topic = await filledTopic(bootstrap(), 'gap', 1, events(100));
    const env = runEnv(bootstrap(), topic, await temporaryDataDir());
    await runUntilEnd(env);
    await produce(bootstrap(), topic, events(100, 2));
    await deleteRecordsBefore(bootstrap(), topic, 0, 150);
    expect((await refusal(['run', '--until-end'], env)).error).toMatch(
      /SLUICE_OFFSET_OUT_OF_RANGE.*--on-lost-offsets gap/,
    );
    const { code, stdout, stderr } = await runCli(['run', '--until-end', '--on-lost-offsets', 'gap'], { env });
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ merged: 50, lostOffsets: 50 });
    expect(stderr).toMatch(/"level":50.*"partition":0,"startOffset":100,"nextOffset":150,"lost":50/);
    expect(await gapsOf(env.DATA_DIR)).toEqual([[100, 150]]);
    expect(await committed(env.DATA_DIR)).toEqual([200, 150]);
    await verifies(env);
    expect(await runUntilEnd(env)).toMatchObject({ events: 0, lostOffsets: 0 });
  });

  it.each(READERS)('become a gap while a run lives (KAFKA_SOURCE=%s)', LONG, async (reader) => {
    const topic = await filledTopic(bootstrap(), 'overtaken', 1, events(100));
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), {
      KAFKA_SOURCE: reader,
      KAFKA_CONFIG_SESSION_TIMEOUT_MS: '60000',
    });
    const run = await startRun(env, ['--on-lost-offsets', 'gap']);
    await consumedIs(env.DATA_DIR, 100);
    await overtake(run, topic);
    await consumedIs(env.DATA_DIR, 150);
    await produce(bootstrap(), topic, events(10, 3));
    await consumedIs(env.DATA_DIR, 160);
    expect(await stop(run)).toMatchObject({ merged: 160, lostOffsets: 50 });
    expect(await gapsOf(env.DATA_DIR)).toEqual([[100, 150]]);
    await verifies(env);
  });

  it('end a run that lives without it, with everything committed that was read', LONG, async () => {
    const topic = await filledTopic(bootstrap(), 'overtaken-fail', 1, events(100));
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { KAFKA_CONFIG_SESSION_TIMEOUT_MS: '60000' });
    const run = await startRun(env);
    await consumedIs(env.DATA_DIR, 100);
    await overtake(run, topic);
    const { code, stderr } = await run.ended;
    expect(code, stderr).toBe(3);
    expect(stderr).toMatch(/SLUICE_OFFSET_OUT_OF_RANGE.*position 100.*150 to 200/);
    expect(await committed(env.DATA_DIR)).toEqual([100, 100]);
  });
});
