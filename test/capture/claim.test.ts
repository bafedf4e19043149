import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { CHECKPOINT_TOPIC_CONFIG, checkpointTopic } from '../../src/capture/checkpoint.js';
import { CheckpointReader, type Checkpoints } from '../../src/capture/checkpoint-reader.js';
import { type ClaimOptions, claimed, transactionalId } from '../../src/capture/claim.js';
import type { CapturedCollection } from '../../src/capture/collection.js';
import { CaptureMetrics } from '../../src/capture/metrics.js';
import { TransactionalProducer } from '../../src/capture/producer.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { consumeAll, createTopic, produce } from '../support/produce.js';

const TIME = '6500000000000001';
const ORDERS = 'shop.orders';
const ARCHIVE = 'shop.archive';
const log = pino({ level: 'silent' });

describeKafka('claimed', (bootstrap) => {
  async function topicOfTwo(): Promise<string> {
    const topic = uniqueTopic('claim');
    await createTopic(bootstrap(), topic, 2);
    await createTopic(bootstrap(), checkpointTopic(topic), 1, CHECKPOINT_TOPIC_CONFIG);
    return topic;
  }

  async function readerOf(topic: string, source: string): Promise<CheckpointReader> {
    const options = { brokers: bootstrap(), topic, source, properties: {}, stallTimeoutMs: 60_000 };
    const reader = await CheckpointReader.connect(options, log);
    onTestFinished(() => reader.close());
    return reader;
  }

  /** Claims as `sluice capture` does. @param meanwhile before it reads the checkpoints with its own claim under way */
  async function claim(topic: string, source: string, more: Partial<ClaimOptions> = {}, meanwhile?: () => unknown) {
    const reader = await readerOf(topic, source);
    const options: ClaimOptions = {
      topic,
      source,
      transactionEvents: 1000,
      transactionBytes: 1 << 20,
      transactionIntervalMs: 100,
      maxMessageBytes: 1 << 20,
      producer: { brokers: bootstrap(), maxMessageBytes: 1 << 20, properties: {} },
      replaces: undefined,
      snapshot: 'never',
      ...more,
    };
    const known = await reader.read('everything');
    const read = async (): Promise<Checkpoints> => {
      const checkpoints = await reader.read('everything');
      await meanwhile?.();
      return checkpoints;
    };
    const collection = { name: source, operationTime: async () => TIME } as unknown as CapturedCollection;
    const parts = { source: collection, checkpoints: { read }, metrics: new CaptureMetrics(), log };
    return claimed(known, options, parts);
  }

  it('begins after the newest operation, or with a snapshot, and knows its position the second time', async () => {
    const topic = await topicOfTwo();
    const first = await claim(topic, ORDERS);
    expect(first).toEqual({ version: 1, token: null, clusterTime: '6500000000000002' });
    expect(await claim(topic, ORDERS, { snapshot: 'initial' })).toEqual(first);
    expect(await consumeAll(bootstrap(), topic)).toEqual([]);
    const other = await topicOfTwo();
    const snapshot = { time: TIME, lastId: null, done: false };
    expect(await claim(other, ORDERS, { snapshot: 'initial' })).toMatchObject({ snapshot });
    const operations = (await consumeAll(bootstrap(), other)).map(({ value }) => JSON.parse(String(value)).operation);
    expect(operations).toEqual(['snapshot_begin', 'snapshot_begin']);
  });

  it('refuses a topic of another source, and says how to continue', async () => {
    const topic = await topicOfTwo();
    await claim(topic, ARCHIVE);
    const before = await consumeAll(bootstrap(), checkpointTopic(topic));
    await expect(claim(topic, ORDERS)).rejects.toMatchObject({
      code: 'SLUICE_CONFIG',
      message: expect.stringMatching(/has the changes of shop\.archive.*KAFKA_TOPIC.*--replaces shop\.archive/),
    });
    await expect(claim(topic, ORDERS, { replaces: 'shop.others' })).rejects.toMatchObject({ code: 'SLUICE_CONFIG' });
    expect(await consumeAll(bootstrap(), checkpointTopic(topic))).toEqual(before);
  });

  it('lets one of two win that start at the same moment', { timeout: 120_000 }, async () => {
    for (let round = 0; round < 3; round++) {
      const topic = await topicOfTwo();
      const both = await Promise.allSettled([claim(topic, ORDERS), claim(topic, ARCHIVE)]);
      expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const winner = both[0].status === 'fulfilled' ? ORDERS : ARCHIVE;
      const records = await consumeAll(bootstrap(), checkpointTopic(topic));
      expect(records.map(({ key }) => String(key))).toEqual([winner]);
    }
  });

  it('is fenced by a claim that came between its look at the topic and its record', async () => {
    const topic = await topicOfTwo();
    const late = claim(topic, ORDERS, {}, () => claim(topic, ARCHIVE));
    await expect(late).rejects.toMatchObject({ code: 'SLUICE_FENCED' });
    const checkpoints = await (await readerOf(topic, ORDERS)).read('everything');
    expect(checkpoints).toMatchObject({ record: undefined, others: [ARCHIVE] });
  });

  it('replaces a source, whose capture is fenced, with a snapshot in one transaction; once', async () => {
    const topic = await topicOfTwo();
    await claim(topic, ARCHIVE);
    const options = { brokers: bootstrap(), maxMessageBytes: 1 << 20, properties: {} };
    const replaced = await TransactionalProducer.connect(
      { ...options, transactionalId: transactionalId(ARCHIVE, topic) },
      log,
    );
    onTestFinished(() => replaced.close());
    const first = await claim(topic, ORDERS, { replaces: ARCHIVE });
    expect(first).toMatchObject({ snapshot: { time: TIME, lastId: null, done: false } });
    const message = { topic: checkpointTopic(topic), key: ARCHIVE, value: Buffer.from('{}') };
    await expect(replaced.transaction([message])).rejects.toMatchObject({ code: 'SLUICE_FENCED' });
    expect(await (await readerOf(topic, ORDERS)).read('everything')).toMatchObject({ record: first, others: [] });
    expect(await claim(topic, ORDERS, { replaces: ARCHIVE })).toEqual(first);
    await expect(claim(topic, ARCHIVE)).rejects.toMatchObject({ code: 'SLUICE_CONFIG' });
  });

  it('does not replace a source whose capture starts meanwhile', async () => {
    const topic = await topicOfTwo();
    await claim(topic, ARCHIVE);
    const startsAgain = async () => {
      const id = transactionalId(ARCHIVE, topic);
      const options = { brokers: bootstrap(), maxMessageBytes: 1 << 20, properties: {}, transactionalId: id };
      const again = await TransactionalProducer.connect(options, log);
      onTestFinished(() => again.close());
    };
    const replacing = claim(topic, ORDERS, { replaces: ARCHIVE }, startsAgain);
    await expect(replacing).rejects.toMatchObject({ code: 'SLUICE_FENCED' });
    expect(await (await readerOf(topic, ORDERS)).read('everything')).toMatchObject({ others: [ARCHIVE] });
  });

  it('takes over a topic from versions that let two sources write it', async () => {
    const topic = await topicOfTwo();
    const value = Buffer.from(JSON.stringify({ version: 1, token: `82${TIME}00`, clusterTime: TIME }));
    await produce(
      bootstrap(),
      checkpointTopic(topic),
      [ORDERS, ARCHIVE].map((key) => ({ key, value })),
    );
    await expect(claim(topic, ORDERS)).rejects.toMatchObject({ code: 'SLUICE_CONFIG' });
    expect(await claim(topic, ORDERS, { replaces: ARCHIVE })).toMatchObject({ snapshot: { done: false } });
  });
});
