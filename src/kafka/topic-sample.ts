/** The first messages of each partition of a topic, read once and without a group: to look at. */
import kafka, { type LibrdKafkaError, type Message, type Metadata } from '@confluentinc/kafka-javascript';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import { called, connectClient, madeClient } from './client.js';
import { isTransient, readError } from './kafka-errors.js';
import type { PrefixHeaders } from './kafka-properties.js';
import { withPrefixes } from './stock-reader.js';

export interface TopicSampleOptions {
  readonly brokers: string;
  readonly topic: string;
  readonly properties: Readonly<Record<string, string>>;
  /** Messages of each partition, at most. */
  readonly limit: number;
  readonly prefixHeaders?: PrefixHeaders;
}

export interface SampledMessage {
  readonly key: Buffer | null;
  /** null: a tombstone. */
  readonly value: Buffer | null;
}

const MESSAGES_PER_CALL = 64;
const POLL_MS = 50;
/** How long no message may come. */
const TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 10_000;

/**
 * @returns the messages of committed transactions, by partition and offset
 * @throws SluiceError SLUICE_KAFKA_UNREACHABLE, SLUICE_CONFIG, SLUICE_UNKNOWN_TOPIC, SLUICE_KAFKA
 */
export async function sampleTopic(options: TopicSampleOptions, log: Logger): Promise<SampledMessage[]> {
  const { brokers, topic, properties } = options;
  const consumer = madeClient(
    () =>
      new kafka.KafkaConsumer(
        {
          ...properties,
          'metadata.broker.list': brokers,
          // The client wants a name. It is not joined, and nothing is committed.
          'group.id': 'sluice-spec',
          'isolation.level': 'read_committed',
          'enable.auto.commit': false,
          'enable.partition.eof': true,
          'allow.auto.create.topics': false,
        } as ConstructorParameters<typeof kafka.KafkaConsumer>[0],
        { 'auto.offset.reset': 'earliest' },
      ),
  );
  try {
    const metadata = await connectClient<Metadata>(consumer, { brokers, topic, properties }, log);
    const partitions = metadata.topics.find(({ name }) => name === topic)?.partitions ?? [];
    if (partitions.length === 0) {
      throw new SluiceError('SLUICE_UNKNOWN_TOPIC', `there is no file and no topic ${topic} on ${brokers}`);
    }
    return await readFirst(
      consumer,
      partitions.map(({ id }) => id),
      options,
    );
  } finally {
    if (consumer.isConnected()) await called((done) => consumer.disconnect(done));
  }
}

async function readFirst(
  consumer: InstanceType<typeof kafka.KafkaConsumer>,
  partitions: readonly number[],
  { topic, limit, prefixHeaders = {} }: TopicSampleOptions,
): Promise<SampledMessage[]> {
  const found = new Map(partitions.map((partition) => [partition, [] as SampledMessage[]]));
  const open = new Set(partitions);
  consumer.on('partition.eof', ({ partition }: { partition: number }) => open.delete(partition));
  const lows = await Promise.all(
    partitions.map(async (partition) => {
      const { lowOffset } = await called<{ lowOffset: number }>((done) =>
        consumer.queryWatermarkOffsets(topic, partition, REQUEST_TIMEOUT_MS, done),
      ).catch((thrown) => {
        throw readError(thrown as LibrdKafkaError, topic);
      });
      return { topic, partition, offset: lowOffset };
    }),
  );
  consumer.setDefaultConsumeTimeout(POLL_MS);
  consumer.assign(lows);
  let progressMs = performance.now();
  while (open.size > 0) {
    const messages = await consume(consumer, topic);
    if (messages.length > 0) progressMs = performance.now();
    else if (performance.now() > progressMs + TIMEOUT_MS) {
      throw new SluiceError('SLUICE_KAFKA', `no messages of ${topic} came for ${TIMEOUT_MS / 1000} seconds`);
    }
    const full: number[] = [];
    for (const { partition, key, value } of withPrefixes(messages, prefixHeaders)) {
      const kept = found.get(partition)!;
      if (kept.length < limit) kept.push({ key: bytesOf(key), value });
      if (kept.length === limit && open.delete(partition)) full.push(partition);
    }
    // What is full is read no further: its messages would be in the way of the others'.
    if (full.length > 0) consumer.pause(full.map((partition) => ({ topic, partition })));
  }
  return [...found.values()].flat();
}

function bytesOf(key: Message['key']): Buffer | null {
  return key === null || key === undefined ? null : Buffer.from(key as Buffer);
}

async function consume(consumer: InstanceType<typeof kafka.KafkaConsumer>, topic: string): Promise<Message[]> {
  return new Promise((resolve, reject) => {
    consumer.consume(MESSAGES_PER_CALL, (error: LibrdKafkaError | null, messages: Message[]) => {
      if (error === null) resolve(messages);
      else if (isTransient(error)) resolve([]);
      else reject(readError(error, topic));
    });
  });
}
