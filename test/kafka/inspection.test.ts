/** Logs held against positions, on real brokers: what a topic is, and what it has of what was read. */
import kafka from '@confluentinc/kafka-javascript';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Chunk } from '../../src/core/chunk.js';
import { inspectPartitions } from '../../src/kafka/inspection.js';
import { KafkaSource } from '../../src/kafka/kafka-source.js';
import { PackedReader } from '../../src/kafka/packed-reader.js';
import { silent } from '../support/fakes.js';
import type { Broker } from '../support/kafka/broker.js';
import { describeKafka, describePrivateKafka, loseLog, uniqueTopic } from '../support/kafka/shared.js';
import {
  createTopic,
  deleteRecordsBefore,
  deleteTopic,
  endOffsets,
  produce,
  produceTransaction,
  TestProducer,
} from '../support/produce.js';

const LONG = { timeout: 120_000 };
const addonIsPacked = PackedReader.isSupported(new kafka.KafkaConsumer({ 'group.id': 'probe' }, {}));

const numbered = (count: number, startMs: number, partition = 0) =>
  Array.from({ length: count }, (_, n) => ({ partition, value: `${n}`, timestamp: startMs + n }));

/** A source that is connected, but in no group. */
async function connect(bootstrap: string, topic: string, reader: 'auto' | 'packed' | 'stock' = 'auto') {
  const options = { brokers: bootstrap, topic, groupId: `${topic}-inspect`, instanceId: topic, reader, properties: {} };
  const source = new KafkaSource(options, silent);
  onTestFinished(() => source.close());
  await source.connect();
  return source;
}

describeKafka('the identity of a topic', (bootstrap) => {
  it('is another after the topic was made again, and none while there is none', LONG, async () => {
    const topic = uniqueTopic('identity');
    await createTopic(bootstrap(), topic, 1);
    const source = await connect(bootstrap(), topic);
    const first = await source.identity();
    expect(first.topicId).toMatch(/^[\w+/-]{22}$/);
    if (addonIsPacked) expect(first.clusterId).toMatch(/^[\w-]{22}$/);
    expect(await source.identity()).toEqual(first);
    await deleteTopic(bootstrap(), topic);
    await vi.waitFor(() => expect(source.identity()).rejects.toMatchObject({ code: 'SLUICE_UNKNOWN_TOPIC' }), LONG);
    await createTopic(bootstrap(), topic, 1);
    await vi.waitFor(async () => expect((await source.identity()).topicId).not.toBe(first.topicId), LONG);
    expect((await source.identity()).clusterId).toBe(first.clusterId);
  });
});

describe('an inspection of many partitions', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** A consumer whose messages come from one partition per call, and that of `silent` never. */
  function slowConsumer(silent = -1) {
    let nowMs = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
    let assigned: { partition: number; offset: number }[] = [];
    return {
      on: () => {},
      removeListener: () => {},
      setDefaultConsumeTimeout: () => {},
      assign: (partitions: typeof assigned) => {
        assigned = partitions;
      },
      consume: (_: number, done: (error: null, messages: object[]) => void) => {
        nowMs += 3000;
        const next = assigned.find(({ partition }) => partition !== silent);
        done(null, next === undefined ? [] : [{ ...next, timestamp: 7 }]);
      },
    } as unknown as kafka.KafkaConsumer;
  }

  const unread = Array.from({ length: 12 }, (_, partition) => ({ partition, low: 0, high: 9, position: undefined }));

  it('goes on as long as it learns of one after the other', async () => {
    const { states } = await inspectPartitions(slowConsumer(), 'topic', unread, () => false);
    expect(states.map(({ unreadSince }) => unreadSince)).toEqual(unread.map(() => 7));
  });

  it('ends when it learns nothing more', async () => {
    const { states } = await inspectPartitions(slowConsumer(5), 'topic', unread, () => false);
    expect(states.filter(({ unreadSince }) => unreadSince === undefined)).toMatchObject([{ partition: 5 }]);
  });
});

describeKafka('an inspection', (bootstrap) => {
  it('tells of each partition since when its first unread message waits', LONG, async () => {
    const topic = uniqueTopic('inspect');
    await createTopic(bootstrap(), topic, 5);
    await produce(
      bootstrap(),
      topic,
      [0, 1, 2, 3].flatMap((partition) => numbered(50, 1000 * partition, partition)),
    );
    await deleteRecordsBefore(bootstrap(), topic, 3, 20);
    const source = await connect(bootstrap(), topic);
    const states = await source.inspect([
      { partition: 0, nextOffset: 50, leaderEpoch: 0 },
      { partition: 1, nextOffset: 30, leaderEpoch: 0 },
      { partition: 3, nextOffset: 10, leaderEpoch: 0 },
    ]);
    expect(states).toEqual([
      { partition: 0, low: 0, high: 50, unreadSince: undefined, truncated: false },
      { partition: 1, low: 0, high: 50, unreadSince: 1030, truncated: false },
      { partition: 2, low: 0, high: 50, unreadSince: 2000, truncated: false },
      { partition: 3, low: 20, high: 50, unreadSince: 3020, truncated: false },
      { partition: 4, low: 0, high: 0, unreadSince: undefined, truncated: false },
    ]);
    const [beyond] = await source.inspect([{ partition: 0, nextOffset: 51, leaderEpoch: 0 }]);
    expect(beyond).toMatchObject({ high: 50, truncated: true });
  });

  it('looks further back where only aborted messages are below the position', LONG, async () => {
    const topic = uniqueTopic('aborted');
    await createTopic(bootstrap(), topic, 1);
    await produce(bootstrap(), topic, numbered(5, 0));
    await produceTransaction(bootstrap(), topic, numbered(600, 0), 'abort');
    const end = 606;
    await vi.waitFor(async () => expect(await endOffsets(bootstrap(), topic)).toEqual([end]), LONG);
    const source = await connect(bootstrap(), topic);
    const at = (leaderEpoch: number) => source.inspect([{ partition: 0, nextOffset: end, leaderEpoch }]);
    expect(await at(0)).toMatchObject([{ high: end, unreadSince: undefined, truncated: false }]);
    // The five messages before the aborted ones are found: they are of a later epoch than this.
    expect(await at(-1)).toMatchObject([{ truncated: true }]);
  });
});

describe.each(addonIsPacked ? (['stock', 'packed'] as const) : (['stock'] as const))('%s', (reader) => {
  describePrivateKafka('a log whose broker lost it', (broker) => {
    /** The leader epoch of the last message of partition 0. */
    async function lastEpoch({ bootstrap }: Broker, topic: string): Promise<number | undefined> {
      const source = await connect(bootstrap, topic, reader);
      source.assign([{ partition: 0, nextOffset: 0, leaderEpoch: undefined }]);
      let epoch: number | undefined;
      for (;;) {
        const fill = await source.fill(new Chunk(), 200);
        if (fill.kind === 'rows') epoch = fill.leaderEpoch;
        if (fill.kind === 'eof') return epoch;
      }
    }

    it('is truncated, though it has grown past the position again', LONG, async () => {
      await createTopic(broker().bootstrap, 'lost', 1);
      await produce(broker().bootstrap, 'lost', numbered(100, 0));
      const leaderEpoch = await lastEpoch(broker(), 'lost');
      expect(leaderEpoch).toBe(0);
      const positions = [{ partition: 0, nextOffset: 100, leaderEpoch }];
      await broker().restart();
      await produce(broker().bootstrap, 'lost', numbered(10, 5000));
      const source = await connect(broker().bootstrap, 'lost', reader);
      // A crash of the broker alone begins a new epoch, too.
      expect(await source.inspect(positions)).toMatchObject([{ high: 110, unreadSince: 5000, truncated: false }]);
      expect(await lastEpoch(broker(), 'lost')).toBeGreaterThan(0);
      await source.close();
      await loseLog(broker(), 'lost');
      await produce(broker().bootstrap, 'lost', numbered(300, 9000));
      const after = await connect(broker().bootstrap, 'lost', reader);
      expect(await after.inspect(positions)).toMatchObject([{ low: 0, high: 300, truncated: true }]);
    });

    it('is not, where a marker of a later leader is the last thing below the position', LONG, async () => {
      const { bootstrap } = broker();
      await createTopic(bootstrap, 'marked', 1);
      const producer = await TestProducer.connect(bootstrap, { transactionalId: `marked-${reader}` });
      onTestFinished(() => producer.close());
      await producer.begin();
      await producer.send('marked', numbered(3, 0));
      await broker().restart();
      await producer.commit();
      await vi.waitFor(async () => expect(await endOffsets(bootstrap, 'marked')).toEqual([4]), LONG);
      const leaderEpoch = await lastEpoch(broker(), 'marked');
      expect(leaderEpoch).toBe(0);
      const source = await connect(bootstrap, 'marked', reader);
      const [state] = await source.inspect([{ partition: 0, nextOffset: 4, leaderEpoch }]);
      expect(state).toMatchObject({ high: 4, truncated: false });
      source.assign([{ partition: 0, nextOffset: 4, leaderEpoch }]);
      await vi.waitFor(async () => expect(await source.fill(new Chunk(), 200)).toMatchObject({ kind: 'eof' }), LONG);
      await produce(bootstrap, 'marked', numbered(2, 0));
      await vi.waitFor(async () => {
        expect(await source.fill(new Chunk(), 200)).toMatchObject({ kind: 'rows', nextOffset: 6 });
      }, LONG);
    });
  });
});
