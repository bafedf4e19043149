/** Kafka as a source: connection, group membership and offsets. How messages get into a chunk is the reader's part. */
import { setTimeout as sleep } from 'node:timers/promises';
import kafka, { type Assignment, type LibrdKafkaError, type Metadata } from '@confluentinc/kafka-javascript';
import type { Chunk } from '../core/chunk.js';
import { SluiceError } from '../core/errors.js';
import type { Fill, TopicIdentity } from '../core/flow.js';
import type { Logger } from '../core/log.js';
import type {
  AssignmentChange,
  MessageReader,
  OffsetRange,
  PartitionState,
  ReadPosition,
  Source,
} from '../core/source.js';
import { called, connectClient, madeClient } from './client.js';
import { GroupMember } from './group-member.js';
import { type InspectedPartition, inspectPartitions } from './inspection.js';
import { isTransient, readError } from './kafka-errors.js';
import { consumerProperties, type KafkaSourceOptions } from './kafka-properties.js';
import { LogEnds } from './log-ends.js';
import { PackedReader } from './packed-reader.js';
import { StockReader } from './stock-reader.js';
import { type GroupMemberInfo, TopicAdmin } from './topic-admin.js';

const { KafkaConsumer } = kafka;
const REQUEST_TIMEOUT_MS = 10_000;
const REQUEST_PAUSE_MS = 100;
/** How long a broker may say that it is not the leader yet: it makes a thousand partitions in a quarter of a minute. */
const TRANSIENT_MS = 60_000;
const CLOSE_TIMEOUT_MS = 10_000;

export class KafkaSource implements Source {
  readonly #options: KafkaSourceOptions;
  readonly #log: Logger;
  readonly #consumer: InstanceType<typeof KafkaConsumer>;
  readonly #reader: MessageReader;
  #admin: TopicAdmin | undefined;
  #ends: LogEnds | undefined;
  readonly #member: GroupMember;
  #fatal: LibrdKafkaError | undefined;
  #closing = false;

  constructor(options: KafkaSourceOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    const properties = {
      ...consumerProperties(options),
      rebalance_cb: (error: LibrdKafkaError, partitions: Assignment[]) => {
        if (!this.#member.onRebalance(error, partitions)) this.#fatal ??= error;
      },
    };
    this.#consumer = madeClient(() => new KafkaConsumer(properties, { 'auto.offset.reset': 'error' }));
    this.#reader = makeReader(this.#consumer, options);
    this.#member = new GroupMember(this.#consumer, options.topic, options.isShared === true);
  }

  /** Which reader is in use. */
  get reader(): MessageReader['kind'] {
    return this.#reader.kind;
  }

  async start(): Promise<void> {
    await this.connect();
    this.#consumer.subscribe([this.#options.topic]);
  }

  /** Connects without joining the group: enough to ask for offsets. */
  async connect(): Promise<void> {
    const { topic, brokers } = this.#options;
    const metadata = await connectClient<Metadata>(this.#consumer, this.#options, this.#log);
    this.#consumer.on('event.error', (error) => this.#onError(error));
    if (partitionsOf(metadata, topic) === 0) {
      throw new SluiceError(
        'SLUICE_UNKNOWN_TOPIC',
        `the topic ${topic} does not exist on ${brokers}: create it, or set KAFKA_TOPIC`,
      );
    }
    if (this.#options.hasController === false) return;
    const admin = new TopicAdmin(this.#consumer, topic);
    this.#admin = admin;
    this.#ends = new LogEnds((partitions, timeoutMs) => admin.ends(partitions, timeoutMs));
  }

  async identity(timeoutMs = REQUEST_TIMEOUT_MS): Promise<TopicIdentity> {
    return this.#admin?.identity(timeoutMs) ?? { clusterId: undefined, topicId: undefined };
  }

  /** Who is in the consumer group now. Usable without joining it, after `connect`. @throws SluiceError SLUICE_KAFKA */
  async groupMembers(): Promise<GroupMemberInfo[]> {
    // Its offsets first: they need the same coordinator and rights, and an error of theirs is one. The client reads a
    // null pointer where a group's description is an error.
    await this.committed([0]);
    return (await this.#admin?.groupMembers(this.#options.groupId, REQUEST_TIMEOUT_MS)) ?? [];
  }

  async partitionCount(): Promise<number> {
    const { topic } = this.#options;
    const metadata = await this.#request<Metadata>(`read the partitions of ${topic}`, (done) =>
      this.#consumer.getMetadata({ topic, timeout: REQUEST_TIMEOUT_MS }, done),
    );
    return partitionsOf(metadata, topic);
  }

  pollAssignment(): AssignmentChange | undefined {
    return this.#member.pollChange();
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

  async offsetRange(partition: number, isPatient = true): Promise<OffsetRange> {
    const { topic } = this.#options;
    const { lowOffset, highOffset } = await this.#request<{ lowOffset: number; highOffset: number }>(
      `read the offsets of ${topic} partition ${partition}`,
      (done) => this.#consumer.queryWatermarkOffsets(topic, partition, REQUEST_TIMEOUT_MS, done),
      isPatient ? TRANSIENT_MS : 0,
    );
    return { low: lowOffset, high: highOffset };
  }

  /**
   * The first offset with a timestamp that is not before this one. Usable without the group, after `connect`.
   * @param otherwise if there is none
   */
  async offsetAt(partition: number, milliseconds: number, otherwise: number): Promise<number> {
    const { topic } = this.#options;
    const [found] = await this.#request<{ offset: number }[]>(
      `read the offset of a time of ${topic} partition ${partition}`,
      (done) => this.#consumer.offsetsForTimes([{ topic, partition, offset: milliseconds }], REQUEST_TIMEOUT_MS, done),
    );
    return found.offset < 0 ? otherwise : found.offset;
  }

  /** Usable without the group, too, after `connect`. */
  async inspect(positions: readonly ReadPosition[], partitions?: readonly number[]): Promise<PartitionState[]> {
    if (this.#options.isShared) return await this.#inspectBeside(positions, partitions);
    const { topic } = this.#options;
    const all = partitions ?? Array.from({ length: await this.partitionCount() }, (_, partition) => partition);
    const inspected = await Promise.all(
      all.map(async (partition): Promise<InspectedPartition> => {
        const position = positions.find((candidate) => candidate.partition === partition);
        return { partition, position, ...(await this.offsetRange(partition)) };
      }),
    );
    const isInterrupted = () => this.#member.hasChanges || this.#closing;
    try {
      const { states, unknown } = await inspectPartitions(this.#consumer, topic, inspected, isInterrupted);
      if (unknown.length === 0 || isInterrupted()) return states;
      const which = unknown.join(', ');
      throw new SluiceError('SLUICE_KAFKA', `the messages before the positions of ${topic} cannot be read: ${which}`);
    } catch (thrown) {
      throw thrown instanceof SluiceError ? thrown : readError(thrown as LibrdKafkaError, topic);
    }
  }

  /** With a client of its own: this one reads on. */
  async #inspectBeside(...what: Parameters<Source['inspect']>): Promise<PartitionState[]> {
    const beside = new KafkaSource({ ...this.#options, isShared: false }, this.#log);
    try {
      await beside.connect();
      return await beside.inspect(...what);
    } finally {
      await beside.close();
    }
  }

  assign(positions: readonly ReadPosition[]): void {
    // The group wants all partitions back already: that is answered instead.
    if (this.#member.hasChanges && !this.#options.isShared) return;
    this.#reader.forget(new Set(positions.map(({ partition }) => partition)));
    this.#member.assign(positions);
    this.#ends?.watch([...this.#member.partitions]);
  }

  unassign(partitions: readonly number[]): void {
    this.#reader.forget(new Set(partitions));
    this.#member.unassign(partitions);
    // Those of a topic that is read as a whole come back, and are shown meanwhile.
    if (this.#options.isShared) this.#ends?.watch([...this.#member.partitions]);
  }

  async fill(chunk: Chunk, timeoutMs: number): Promise<Fill> {
    if (this.#fatal !== undefined) throw readError(this.#fatal, this.#options.topic);
    this.#ends?.refresh();
    try {
      return await this.#reader.fill(chunk, timeoutMs);
    } catch (thrown) {
      const error = thrown as LibrdKafkaError;
      if (!isTransient(error)) throw readError(error, this.#options.topic);
      this.#log.warn({ code: error.code }, `Kafka: ${error.message}`);
      return { kind: 'idle' };
    }
  }

  lag(partition: number, nextOffset: number): number {
    return Math.max(0, this.#fetchedEnd(partition) - nextOffset, (this.#ends?.endOf(partition) ?? 0) - nextOffset);
  }

  get endsAsOfMs(): number | undefined {
    return this.#ends?.asOfMs;
  }

  /** What the last fetch said; less than 0 if there was none. */
  #fetchedEnd(partition: number): number {
    try {
      return this.#consumer.getWatermarkOffsets(this.#options.topic, partition).highOffset;
    } catch {
      return -1;
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

  /** @param isBounded gives up after a while what a broker that is gone keeps from its end; default true */
  async close(isBounded = true): Promise<void> {
    this.#closing = true;
    if (!this.#consumer.isConnected()) return;
    await this.#admin?.settled();
    await this.#member.leave();
    await new Promise<void>((resolve) => {
      const timer = isBounded ? setTimeout(resolve, CLOSE_TIMEOUT_MS) : undefined;
      this.#consumer.disconnect(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #onError(error: LibrdKafkaError): void {
    if (error.isFatal) this.#fatal ??= error;
    if (!this.#closing) this.#log.warn({ code: error.code }, `Kafka: ${error.message}`);
  }

  /** Asks again what a broker answers that a moment later has another answer, as that it is not the leader yet. */
  async #request<T>(what: string, call: Parameters<typeof called>[0], patienceMs = TRANSIENT_MS): Promise<T> {
    let firstMs: number | undefined;
    for (; ; await sleep(REQUEST_PAUSE_MS)) {
      try {
        return await called<T>(call);
      } catch (cause) {
        const error = cause as LibrdKafkaError;
        // Not from the request on: that may wait for a thread behind those of a thousand other partitions.
        firstMs ??= performance.now();
        const retryable = isTransient(error);
        if (retryable && performance.now() - firstMs < patienceMs && !this.#closing) continue;
        throw new SluiceError('SLUICE_KAFKA', `cannot ${what}: ${error.message}`, { cause, retryable });
      }
    }
  }
}

function makeReader(
  consumer: InstanceType<typeof KafkaConsumer>,
  { reader: wanted, prefixHeaders }: KafkaSourceOptions,
): MessageReader {
  const isSupported = PackedReader.isSupported(consumer);
  if (wanted === 'packed' && !isSupported) {
    throw new SluiceError(
      'SLUICE_CONFIG',
      'KAFKA_SOURCE=packed: the Kafka addon was not compiled with consumePacked; install the packed ' +
        'program with its optional dependencies, or in a clone a C++ compiler and run "npm run setup" again, or set ' +
        'KAFKA_SOURCE=auto',
    );
  }
  return isSupported && wanted !== 'stock'
    ? new PackedReader(consumer, prefixHeaders)
    : new StockReader(consumer, prefixHeaders);
}

function partitionsOf(metadata: Metadata, topic: string): number {
  return metadata.topics.find(({ name }) => name === topic)?.partitions.length ?? 0;
}
