/** Puts messages into Kafka for tests, fast, and reads them back. One client per helper call or per TestProducer. */
import kafka, { type IAdminClient, type LibrdKafkaError, type Message } from '@confluentinc/kafka-javascript';

const TIMEOUT_MS = 30_000;
const QUEUE_MESSAGES = 200_000;
const QUEUE_FULL_WAIT_MS = 5;
const CONSUME_BATCH = 1000;

export interface TestMessage {
  /** Chosen by the key's hash as Java clients do it, if undefined. */
  readonly partition?: number | undefined;
  readonly key?: string | Uint8Array | null;
  /** null is a tombstone; an empty string is an empty value. */
  readonly value: string | Uint8Array | null;
  /** Milliseconds since the epoch; default: now. */
  readonly timestamp?: number | undefined;
  readonly headers?: Readonly<Record<string, Uint8Array>>;
}

export interface ConsumedMessage {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

export interface ProducerOptions {
  /** Makes it a transactional producer: `begin` before `send`, then `commit` or `abort`. */
  readonly transactionalId?: string;
  /** Any librdkafka property on top. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
}

/** A connected producer; `close` it. */
export class TestProducer {
  readonly #client: kafka.Producer;
  #failure: LibrdKafkaError | undefined;

  private constructor(client: kafka.Producer) {
    this.#client = client;
    client.on('delivery-report', (error) => {
      if (error) this.#failure ??= error;
    });
    client.setPollInterval(20);
  }

  static async connect(bootstrap: string, options: ProducerOptions = {}): Promise<TestProducer> {
    const { transactionalId } = options;
    const client = new kafka.Producer({
      'bootstrap.servers': bootstrap,
      partitioner: 'murmur2_random',
      acks: -1,
      'linger.ms': 10,
      'batch.size': 1 << 20,
      'message.max.bytes': 64 << 20,
      'queue.buffering.max.messages': QUEUE_MESSAGES,
      'queue.buffering.max.kbytes': 512 << 10,
      dr_cb: true,
      // A report of every message would cost more than the message.
      'delivery.report.only.error': true,
      ...(transactionalId !== undefined && { 'transactional.id': transactionalId }),
      ...options.properties,
    });
    await called((done) => client.connect({ timeout: TIMEOUT_MS }, done));
    if (transactionalId !== undefined) await called((done) => client.initTransactions(TIMEOUT_MS, done));
    return new TestProducer(client);
  }

  /** Hands messages over and waits until the broker has all of them. @returns how many */
  async send(topic: string, messages: Iterable<TestMessage>): Promise<number> {
    const sent = await this.enqueue(topic, messages);
    await this.flush();
    return sent;
  }

  /** Hands messages over; waits only if librdkafka's queue is full. @returns how many */
  async enqueue(topic: string, messages: Iterable<TestMessage>): Promise<number> {
    let enqueued = 0;
    for (const message of messages) {
      while (!this.#offer(topic, message)) await new Promise((resolve) => setTimeout(resolve, QUEUE_FULL_WAIT_MS));
      enqueued++;
    }
    return enqueued;
  }

  /** Waits until the broker has everything that was handed over. @throws if it refused a message */
  async flush(): Promise<void> {
    await called((done) => this.#client.flush(TIMEOUT_MS, done));
    // Reports of failures reach JavaScript one turn of the poll after the queue is empty.
    this.#client.poll();
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#failure !== undefined) throw new Error(`not delivered: ${this.#failure.message}`);
  }

  async begin(): Promise<void> {
    await called((done) => this.#client.beginTransaction(done));
  }

  async commit(): Promise<void> {
    await called((done) => this.#client.commitTransaction(TIMEOUT_MS, done));
  }

  async abort(): Promise<void> {
    await called((done) => this.#client.abortTransaction(TIMEOUT_MS, done));
  }

  async close(): Promise<void> {
    await called((done) => this.#client.disconnect(TIMEOUT_MS, done));
  }

  /** @returns false if librdkafka's queue is full */
  #offer(topic: string, { partition, key, value, timestamp, headers = {} }: TestMessage): boolean {
    const list = Object.entries(headers).map(([name, bytes]) => ({ [name]: Buffer.from(bytes) }));
    const to = partition ?? -1;
    const content = asBuffer(value);
    try {
      this.#client.produce(topic, to, content, asBuffer(key ?? null), timestamp ?? null, undefined, list);
      return true;
    } catch (error) {
      if ((error as LibrdKafkaError).code !== kafka.CODES.ERRORS.ERR__QUEUE_FULL) throw error;
      return false;
    }
  }
}

/** Produces and waits for the acknowledgements. @returns how many messages */
export async function produce(bootstrap: string, topic: string, messages: Iterable<TestMessage>): Promise<number> {
  const producer = await TestProducer.connect(bootstrap);
  try {
    return await producer.send(topic, messages);
  } finally {
    await producer.close();
  }
}

/** Produces in one transaction, and ends it as told. @returns how many messages */
export async function produceTransaction(
  bootstrap: string,
  topic: string,
  messages: Iterable<TestMessage>,
  end: 'commit' | 'abort',
): Promise<number> {
  const producer = await TestProducer.connect(bootstrap, { transactionalId: `test-${process.pid}-${Math.random()}` });
  try {
    await producer.begin();
    const sent = await producer.send(topic, messages);
    await (end === 'commit' ? producer.commit() : producer.abort());
    return sent;
  } finally {
    await producer.close();
  }
}

/** @param config topic properties, `{ 'cleanup.policy': 'compact' }` */
export async function createTopic(
  bootstrap: string,
  topic: string,
  partitions: number,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  // The events' timestamps are older than the broker's default retention, which would delete them mid-test.
  const kept = { 'retention.ms': '-1', ...config };
  const newTopic = { topic, num_partitions: partitions, replication_factor: 1, config: kept };
  await withAdmin(bootstrap, (admin) => called((done) => admin.createTopic(newTopic, TIMEOUT_MS, done)));
}

export async function deleteTopic(bootstrap: string, topic: string): Promise<void> {
  await withAdmin(bootstrap, (admin) => called((done) => admin.deleteTopic(topic, TIMEOUT_MS, done)));
}

/** @param partitions how many there shall be in all */
export async function growTopic(bootstrap: string, topic: string, partitions: number): Promise<void> {
  await withAdmin(bootstrap, (admin) => called((done) => admin.createPartitions(topic, partitions, TIMEOUT_MS, done)));
}

/** Deletes the messages of a partition that lie before `offset`, as retention does. */
export async function deleteRecordsBefore(
  bootstrap: string,
  topic: string,
  partition: number,
  offset: number,
): Promise<void> {
  const options = { timeout: TIMEOUT_MS, operation_timeout: TIMEOUT_MS };
  await withAdmin(bootstrap, (admin) =>
    called((done) => admin.deleteRecords([{ topic, partition, offset }], options, done)),
  );
}

/**
 * Where each partition ends: index is the partition.
 * @param isolation read_committed gives the last stable offset
 */
export async function endOffsets(
  bootstrap: string,
  topic: string,
  isolation: 'read_committed' | 'read_uncommitted' = 'read_committed',
): Promise<number[]> {
  const { READ_COMMITTED, READ_UNCOMMITTED } = kafka.IsolationLevel;
  const isolationLevel = isolation === 'read_committed' ? READ_COMMITTED : READ_UNCOMMITTED;
  return withAdmin(bootstrap, async (admin) => {
    const [description] = await called<kafka.TopicDescription[]>((done) =>
      admin.describeTopics([topic], { timeout: TIMEOUT_MS }, done),
    );
    if (description.error) throw new Error(`topic ${topic}: ${description.error.message}`);
    const wanted = description.partitions.map(({ partition }) => ({
      topic,
      partition,
      offset: kafka.OffsetSpec.LATEST,
    }));
    const found = await called<kafka.ListOffsetsResult[]>((done) =>
      admin.listOffsets(wanted, { timeout: TIMEOUT_MS, isolationLevel }, done),
    );
    const ends: number[] = [];
    for (const { partition, offset } of found) ends[partition] = offset;
    return ends;
  });
}

/** Every message of a topic up to its present end, read_committed, in offset order within a partition. */
export async function consumeAll(bootstrap: string, topic: string): Promise<ConsumedMessage[]> {
  const partitions = (await endOffsets(bootstrap, topic)).length;
  const consumer = new kafka.KafkaConsumer(
    {
      'bootstrap.servers': bootstrap,
      'group.id': `test-${process.pid}-${Math.random()}`,
      'isolation.level': 'read_committed',
      'enable.auto.commit': false,
      'enable.partition.eof': true,
      'fetch.message.max.bytes': 64 << 20,
      // The end of a partition is known when a fetch comes back empty.
      'fetch.wait.max.ms': 10,
      // The end of a partition is known when a fetch comes back empty.
    },
    { 'auto.offset.reset': 'earliest' },
  );
  await called((done) => consumer.connect({ timeout: TIMEOUT_MS }, done));
  const messages: ConsumedMessage[] = [];
  const ended = new Set<number>();
  consumer.on('partition.eof', ({ partition }: { partition: number }) => ended.add(partition));
  try {
    consumer.setDefaultConsumeTimeout(100);
    consumer.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })));
    while (ended.size < partitions) {
      for (const message of await called<Message[]>((done) => consumer.consume(CONSUME_BATCH, done))) {
        const { partition, offset, timestamp = -1, key, value } = message;
        messages.push({ partition, offset, timestamp, key: asBuffer(key ?? null), value });
      }
    }
    return messages;
  } finally {
    await called((done) => consumer.disconnect(done));
  }
}

async function withAdmin<T>(bootstrap: string, action: (admin: IAdminClient) => Promise<T>): Promise<T> {
  const admin = kafka.AdminClient.create({ 'bootstrap.servers': bootstrap });
  try {
    return await action(admin);
  } finally {
    admin.disconnect();
  }
}

/** The client turns a Buffer without memory into null: an empty one must be a view into some. */
const EMPTY = Buffer.from(' ').subarray(0, 0);

function asBuffer(bytes: string | Uint8Array | null): Buffer | null {
  if (bytes === null) return null;
  if (bytes.length === 0) return EMPTY;
  return typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A promise of what a callback-style call gives. */
function called<T = void>(
  call: (done: (error: LibrdKafkaError | null | undefined, result?: unknown) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => (error ? reject(new Error(error.message, { cause: error })) : resolve(result as T)));
  });
}
