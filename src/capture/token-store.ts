/**
 * Where the capture stands: the last record of the compacted topic `<topic>.tokens`, written in the same transaction as
 * the messages before it.
 */
import kafka, { type LibrdKafkaError, type Message } from '@confluentinc/kafka-javascript';
import { z } from 'zod';
import { SluiceError } from '../errors.js';

const { ERRORS } = kafka.CODES;
const TIMEOUT_MS = 30_000;
const POLL_MS = 200;
const BATCH = 1000;

const HEX_TIME = z.string().regex(/^[0-9A-F]{16}$/);

const recordSchema = z.object({
  version: z.literal(1),
  /** The `_data` of the resume token behind the last message; null before the first. */
  token: z.string().nullable(),
  /** Seconds and increment, 16 hex digits: where to start where there is no token. */
  clusterTime: HEX_TIME,
  /** A snapshot that was begun: its time, and the canonical extended JSON of the last `_id` it has. */
  snapshot: z.object({ time: HEX_TIME, lastId: z.string().nullable(), done: z.boolean() }).optional(),
  /** Changes between these times were lost, and it was decided to go on without them. */
  gap: z.object({ from: HEX_TIME, to: HEX_TIME }).optional(),
});

export type TokenRecord = z.infer<typeof recordSchema>;

export interface TokenStoreOptions {
  readonly brokers: string;
  readonly topic: string;
  /** database.collection */
  readonly source: string;
  readonly properties: Readonly<Record<string, string>>;
}

export function tokenTopic(topic: string): string {
  return `${topic}.tokens`;
}

/** Makes topics that are not there yet: one partition each. @throws SluiceError SLUICE_KAFKA */
export async function createTopics(
  { brokers, properties }: Pick<TokenStoreOptions, 'brokers' | 'properties'>,
  topics: readonly { name: string; config: Record<string, string> }[],
): Promise<void> {
  const admin = kafka.AdminClient.create({ ...properties, 'bootstrap.servers': brokers } as never);
  try {
    for (const { name, config } of topics) {
      const topic = { topic: name, num_partitions: 1, replication_factor: -1, config };
      await new Promise<void>((resolve, reject) => {
        admin.createTopic(topic, TIMEOUT_MS, (error: LibrdKafkaError) =>
          error && error.code !== ERRORS.ERR_TOPIC_ALREADY_EXISTS ? reject(error) : resolve(),
        );
      });
    }
  } catch (cause) {
    throw new SluiceError('SLUICE_KAFKA', `a topic of the capture cannot be made: ${(cause as Error).message}`, {
      cause,
    });
  } finally {
    admin.disconnect();
  }
}

/**
 * Reads the topic to its end. Call it after every former producer was fenced: then nobody can commit behind it.
 * @returns undefined where nothing was captured yet
 * @throws SluiceError SLUICE_KAFKA when it cannot be read, or holds what this version cannot read
 */
export async function readTokens(options: TokenStoreOptions): Promise<TokenRecord | undefined> {
  const topic = tokenTopic(options.topic);
  const consumer = new kafka.KafkaConsumer(
    {
      ...options.properties,
      'metadata.broker.list': options.brokers,
      'group.id': `sluice-capture-${options.source}`,
      'isolation.level': 'read_committed',
      'enable.auto.commit': false,
      'enable.partition.eof': true,
    } as ConstructorParameters<typeof kafka.KafkaConsumer>[0],
    { 'auto.offset.reset': 'earliest' },
  );
  let isAtEnd = false;
  let last: string | undefined;
  consumer.on('partition.eof', () => {
    isAtEnd = true;
  });
  try {
    await called<unknown>((done) => consumer.connect({ timeout: TIMEOUT_MS }, done));
    consumer.setDefaultConsumeTimeout(POLL_MS);
    consumer.assign([{ topic, partition: 0, offset: 0 }]);
    const overdueMs = performance.now() + TIMEOUT_MS;
    while (!isAtEnd) {
      const messages = await called<Message[]>((done) => consumer.consume(BATCH, done));
      for (const { key, value } of messages) if (key?.toString() === options.source) last = value?.toString();
      if (performance.now() > overdueMs) throw new Error('the end was not reached in time');
    }
  } catch (cause) {
    throw new SluiceError('SLUICE_KAFKA', `${topic} cannot be read: ${(cause as Error).message}`, { cause });
  } finally {
    await new Promise<void>((resolve) => consumer.disconnect(() => resolve()));
  }
  return last === undefined ? undefined : parseRecord(last, topic);
}

function parseRecord(text: string, topic: string): TokenRecord {
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new SluiceError('SLUICE_KAFKA', `the last record of ${topic} is not one of this version: ${text}`, { cause });
  }
}

function called<T>(call: (done: (error: LibrdKafkaError | null, result?: unknown) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => (error ? reject(error) : resolve(result as T)));
  });
}
