/** Kafka as a source: connection, group membership and offsets. How messages get into a chunk is the reader's part. */
import kafka, {
  type Assignment,
  type ConsumerGlobalConfig,
  type LibrdKafkaError,
  type Metadata,
} from '@confluentinc/kafka-javascript';
import type { Chunk } from './chunk.js';
import { SluiceError } from './errors.js';
import type { Fill } from './flow.js';
import type { Logger } from './log.js';
import type { AssignmentChange, OffsetRange, Source } from './source.js';
import { StockReader } from './stock-reader.js';

const { CODES, KafkaConsumer } = kafka;
const CONNECT_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 10_000;

export interface KafkaSourceOptions {
  readonly brokers: string;
  readonly topic: string;
  readonly groupId: string;
  /** Names this member over restarts, so that a process that was killed gets its partitions back at once. */
  readonly instanceId: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** What librdkafka keeps ahead of the pipeline, in KiB: half a second of full speed, and little beside BUFFER_BYTES. */
const PREFETCH_KIB = 64 << 10;

function consumerProperties(options: KafkaSourceOptions): ConsumerGlobalConfig {
  return {
    'client.id': 'sluice',
    'queued.min.messages': 100_000,
    'queued.max.messages.kbytes': PREFETCH_KIB,
    'fetch.message.max.bytes': 4 << 20,
    'fetch.wait.max.ms': 100,
    'fetch.queue.backoff.ms': 50,
    'socket.nagle.disable': true,
    'reconnect.backoff.max.ms': 2000,
    // How long the partitions of a static member wait for it when it is gone. Heartbeats have their own thread.
    'session.timeout.ms': 10_000,
    'group.instance.id': options.instanceId,
    ...options.properties,
    'metadata.broker.list': options.brokers,
    'group.id': options.groupId,
    'partition.assignment.strategy': 'range',
    'enable.auto.commit': false,
    'enable.auto.offset.store': false,
    'enable.partition.eof': true,
    'isolation.level': 'read_committed',
  };
}

/** Methods that the client has, but its typings do not. */
interface Untyped {
  setDefaultIsTimeoutOnlyForFirstMessage(on: boolean): void;
  assignmentLost(): boolean;
}

export class KafkaSource implements Source {
  readonly #options: KafkaSourceOptions;
  readonly #log: Logger;
  readonly #consumer: InstanceType<typeof KafkaConsumer>;
  readonly #reader: StockReader;
  readonly #changes: AssignmentChange[] = [];
  #fatal: LibrdKafkaError | undefined;
  #closing = false;

  constructor(options: KafkaSourceOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#consumer = new KafkaConsumer(
      {
        ...consumerProperties(options),
        rebalance_cb: (error: LibrdKafkaError, partitions: Assignment[]) => this.#onRebalance(error, partitions),
      },
      { 'auto.offset.reset': 'error' },
    );
    this.#reader = new StockReader(this.#consumer);
    // Else every message of a call after the first would be waited for.
    (this.#consumer as unknown as Untyped).setDefaultIsTimeoutOnlyForFirstMessage(true);
    this.#consumer.on('event.error', (error) => this.#onError(error));
  }

  async start(): Promise<void> {
    await this.connect();
    this.#consumer.subscribe([this.#options.topic]);
  }

  /** Connects without joining the group: enough to ask for offsets. */
  async connect(): Promise<void> {
    const { topic, brokers } = this.#options;
    const metadata = await new Promise<Metadata>((resolve, reject) => {
      this.#consumer.connect({ topic, timeout: CONNECT_TIMEOUT_MS }, (error, data) => {
        if (error) reject(this.#connectError(error));
        else resolve(data);
      });
    });
    if (partitionsOf(metadata, topic) === 0) {
      throw new SluiceError(
        'SLUICE_TOPIC_ABSENT',
        `the topic ${topic} does not exist on ${brokers}: create it, or set KAFKA_TOPIC`,
      );
    }
  }

  async partitionCount(): Promise<number> {
    const { topic } = this.#options;
    const metadata = await this.#request<Metadata>(`read the partitions of ${topic}`, (done) =>
      this.#consumer.getMetadata({ topic, timeout: REQUEST_TIMEOUT_MS }, done),
    );
    return partitionsOf(metadata, topic);
  }

  takeChange(): AssignmentChange | undefined {
    return this.#changes.shift();
  }

  async committed(partitions: readonly number[]): Promise<Map<number, number | undefined>> {
    const { topic } = this.#options;
    const toppars = partitions.map((partition) => ({ topic, partition }));
    const found = await this.#request<{ partition: number; offset?: number }[]>("read the group's offsets", (done) =>
      this.#consumer.committed(toppars, REQUEST_TIMEOUT_MS, done),
    );
    return new Map(
      found.map(({ partition, offset }) => [partition, offset === undefined || offset < 0 ? undefined : offset]),
    );
  }

  async offsetRange(partition: number): Promise<OffsetRange> {
    const { topic } = this.#options;
    const { lowOffset, highOffset } = await this.#request<{ lowOffset: number; highOffset: number }>(
      `read the offsets of ${topic} partition ${partition}`,
      (done) => this.#consumer.queryWatermarkOffsets(topic, partition, REQUEST_TIMEOUT_MS, done),
    );
    return { low: lowOffset, high: highOffset };
  }

  assign(positions: ReadonlyMap<number, number>): void {
    const { topic } = this.#options;
    this.#reader.reset();
    this.#consumer.assign([...positions].map(([partition, offset]) => ({ topic, partition, offset })));
  }

  unassign(): void {
    this.#reader.reset();
    this.#consumer.unassign();
  }

  async fill(chunk: Chunk, timeoutMs: number): Promise<Fill> {
    if (this.#fatal !== undefined) throw this.#fillError(this.#fatal);
    try {
      return await this.#reader.fill(chunk, timeoutMs);
    } catch (thrown) {
      const error = thrown as LibrdKafkaError;
      if (!isTransient(error)) throw this.#fillError(error);
      this.#log.warn({ code: error.code }, `Kafka: ${error.message}`);
      return { kind: 'idle' };
    }
  }

  lag(partition: number, nextOffset: number): number {
    try {
      const { highOffset } = this.#consumer.getWatermarkOffsets(this.#options.topic, partition);
      return Math.max(0, highOffset - nextOffset);
    } catch {
      return 0; // nothing fetched yet
    }
  }

  commit(positions: ReadonlyMap<number, number>): void {
    const { topic } = this.#options;
    try {
      this.#consumer.commit([...positions].map(([partition, offset]) => ({ topic, partition, offset })));
    } catch (error) {
      this.#log.warn(
        { error: (error as Error).message },
        'the group offsets were not committed; positions are safe in the sink',
      );
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    if (!this.#consumer.isConnected()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
      this.#consumer.disconnect(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #onRebalance(error: LibrdKafkaError, assignment: Assignment[]): void {
    if (this.#closing) {
      if (error.code === CODES.ERRORS.ERR__REVOKE_PARTITIONS) this.#consumer.unassign();
      return;
    }
    if (error.code === CODES.ERRORS.ERR__ASSIGN_PARTITIONS) {
      const partitions = assignment.map(({ partition }) => partition).sort((a, b) => a - b);
      this.#changes.push({ kind: 'assigned', partitions });
    } else if (error.code === CODES.ERRORS.ERR__REVOKE_PARTITIONS) {
      this.#changes.push({ kind: 'revoked', lost: (this.#consumer as unknown as Untyped).assignmentLost() });
    } else {
      this.#fatal ??= error;
    }
  }

  #onError(error: LibrdKafkaError): void {
    if (error.isFatal) this.#fatal ??= error;
    if (!this.#closing) this.#log.warn({ code: error.code }, `Kafka: ${error.message}`);
  }

  #connectError(error: LibrdKafkaError): SluiceError {
    const { brokers, topic } = this.#options;
    if (error.code === CODES.ERRORS.ERR_UNKNOWN_TOPIC_OR_PART) {
      return new SluiceError('SLUICE_TOPIC_ABSENT', `the topic ${topic} does not exist on ${brokers}`, {
        cause: error,
      });
    }
    return new SluiceError(
      'SLUICE_KAFKA_UNREACHABLE',
      `no broker of KAFKA_BROKERS=${brokers} answers: ${error.message}`,
      {
        cause: error,
      },
    );
  }

  #fillError(error: LibrdKafkaError): SluiceError {
    const { topic } = this.#options;
    if (error.code === CODES.ERRORS.ERR__AUTO_OFFSET_RESET || error.code === CODES.ERRORS.ERR_OFFSET_OUT_OF_RANGE) {
      return new SluiceError('SLUICE_OFFSET_GONE', `the position in ${topic} is no longer there: ${error.message}`, {
        cause: error,
      });
    }
    if (error.code === CODES.ERRORS.ERR_FENCED_INSTANCE_ID) {
      const message = 'another process joined the group under the same group.instance.id';
      return new SluiceError('SLUICE_NOT_ALONE', message, { cause: error });
    }
    if (error.code === CODES.ERRORS.ERR_UNKNOWN_TOPIC_OR_PART || error.code === CODES.ERRORS.ERR__UNKNOWN_TOPIC) {
      return new SluiceError('SLUICE_TOPIC_ABSENT', `the topic ${topic} was deleted: ${error.message}`, {
        cause: error,
      });
    }
    return new SluiceError('SLUICE_KAFKA', `reading ${topic} failed: ${error.message}`, { cause: error });
  }

  async #request<T>(what: string, call: (done: (error: LibrdKafkaError, value: T) => void) => unknown): Promise<T> {
    try {
      return await new Promise<T>((resolve, reject) => {
        call((error, value) => (error ? reject(error) : resolve(value)));
      });
    } catch (cause) {
      throw new SluiceError('SLUICE_KAFKA', `cannot ${what}: ${(cause as Error).message}`, { cause });
    }
  }
}

function partitionsOf(metadata: Metadata, topic: string): number {
  return metadata.topics.find(({ name }) => name === topic)?.partitions.length ?? 0;
}

const TRANSIENT: ReadonlySet<number> = new Set([
  CODES.ERRORS.ERR__TRANSPORT,
  CODES.ERRORS.ERR__ALL_BROKERS_DOWN,
  CODES.ERRORS.ERR__TIMED_OUT,
  CODES.ERRORS.ERR__TIMED_OUT_QUEUE,
  CODES.ERRORS.ERR__RESOLVE,
  CODES.ERRORS.ERR__MAX_POLL_EXCEEDED,
  CODES.ERRORS.ERR__STATE,
]);

/** librdkafka keeps trying by itself after these. */
function isTransient(error: LibrdKafkaError): boolean {
  return TRANSIENT.has(error.code) && !error.isFatal;
}
