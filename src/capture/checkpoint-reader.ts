/**
 * Reads the checkpoint topic from its end backwards, in windows that grow, until nothing before can matter:
 *
 *   0 ────────────────────────────────────── window 2 ──────────────── window 1 ── end
 *   records of other times                   │ a sole record: stop      │ 1000    │ high watermark
 */
import { setTimeout as sleep } from 'node:timers/promises';
import kafka, { type LibrdKafkaError, type Message } from '@confluentinc/kafka-javascript';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import { called, connectClient, madeClient } from '../kafka/client.js';
import { type Checkpoint, checkpointTopic, isMasked, isSole, parseCheckpoint, type Sealing } from './checkpoint.js';

const { ERRORS } = kafka.CODES;
/** What the client says of a topic that no broker has: it does not find a leader to ask. */
const ABSENT: ReadonlySet<number> = new Set([ERRORS.ERR_UNKNOWN_TOPIC_OR_PART, ERRORS.ERR__NOENT]);
const TIMEOUT_MS = 30_000;
const POLL_MS = 200;
const BATCH = 1000;
const FIRST_WINDOW = 1000;
const GROWTH = 8;

export interface CheckpointReaderOptions {
  readonly brokers: string;
  /** Of the messages, not of the checkpoints. */
  readonly topic: string;
  /** database.collection */
  readonly source: string;
  readonly properties: Readonly<Record<string, string>>;
  /** Without progress for this long a read failed: longer than a transaction may stay open. */
  readonly stallTimeoutMs: number;
  /** Of a capture that masks. */
  readonly masks?: Sealing | undefined;
}

/** What the checkpoint topic says. */
export interface Checkpoints {
  /** Where the source stands; undefined if nothing was captured yet. */
  readonly record: Checkpoint | undefined;
  /** Other sources that the topic has changes of. */
  readonly others: readonly string[];
  /** How many records were read to know this. */
  readonly recordsRead: number;
}

export class CheckpointReader {
  readonly #options: CheckpointReaderOptions;
  readonly #log: Logger;
  readonly #consumer: InstanceType<typeof kafka.KafkaConsumer>;
  readonly #topic: string;
  /** Everything before this offset was delivered or is no record. */
  #reached = 0;
  /** What is to be reached. */
  #until = 0;

  private constructor(options: CheckpointReaderOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#topic = checkpointTopic(options.topic);
    const properties = {
      // What ends a read is a fetch that comes back empty: with librdkafka's default each one takes half a second.
      'fetch.wait.max.ms': 20,
      ...options.properties,
      'metadata.broker.list': options.brokers,
      'group.id': `sluice-capture-${options.source}`,
      'isolation.level': 'read_committed',
      'enable.auto.commit': false,
      'enable.partition.eof': true,
      'queued.min.messages': BATCH,
    } as ConstructorParameters<typeof kafka.KafkaConsumer>[0];
    this.#consumer = madeClient(() => new kafka.KafkaConsumer(properties, { 'auto.offset.reset': 'earliest' }));
    this.#consumer.on('partition.eof', ({ offset }: { offset: number }) => this.#onStableEnd(offset));
  }

  /** @throws SluiceError SLUICE_KAFKA_UNREACHABLE, SLUICE_CONFIG */
  static async connect(options: CheckpointReaderOptions, log: Logger): Promise<CheckpointReader> {
    const reader = new CheckpointReader(options, log);
    try {
      await connectClient(reader.#consumer, { brokers: options.brokers, properties: options.properties }, log);
      reader.#consumer.setDefaultConsumeTimeout(POLL_MS);
      return reader;
    } catch (thrown) {
      await reader.close();
      throw thrown;
    }
  }

  /**
   * Reads what is committed now; with `everything`, also what transactions that are open now commit. Once every former
   * producer of the source was fenced, `everything` is all that there can be of it.
   * @throws SluiceError SLUICE_KAFKA if it cannot be read, or holds what this version cannot read
   */
  async read(extent: 'committed' | 'everything'): Promise<Checkpoints> {
    try {
      const end = await this.#endOffset(extent);
      /** The newest value of each source; null: a tombstone. */
      const newest = new Map<string, string | null>();
      let recordsRead = 0;
      let isKnown = false;
      for (let from = end, size = FIRST_WINDOW; from > 0 && !isKnown; size *= GROWTH) {
        const until = from;
        from = Math.max(0, until - size);
        const window = new Map<string, string | null>();
        for await (const { key, value } of this.#records(from, until)) {
          const text = value?.toString() ?? null;
          window.set(String(key), text);
          isKnown ||= text !== null && isSole(text);
          recordsRead++;
        }
        for (const [source, text] of window) if (!newest.has(source)) newest.set(source, text);
      }
      this.#log.debug({ end, recordsRead, sources: [...newest.keys()] }, `${this.#topic} was read`);
      return this.#checkpoints(newest, recordsRead);
    } catch (thrown) {
      throw this.#failure(thrown);
    } finally {
      this.#consumer.unassign();
    }
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#consumer.disconnect(() => resolve()));
  }

  #checkpoints(newest: ReadonlyMap<string, string | null>, recordsRead: number): Checkpoints {
    const { source, topic, masks } = this.#options;
    for (const text of newest.values()) if (text !== null) this.#checkMasks(text);
    const own = newest.get(source);
    const others = [...newest].flatMap(([key, text]) => (key === source || text === null ? [] : key));
    return { record: own ? parseCheckpoint(own, topic, masks) : undefined, others, recordsRead };
  }

  /** A topic is masked or it is not, from its first message on: who reads it has to know which. */
  #checkMasks(text: string): void {
    const { topic, masks } = this.#options;
    if (isMasked(text) === (masks !== undefined)) {
      // By the same masks, and more: of a source that this one replaces, too.
      if (masks !== undefined) parseCheckpoint(text, topic, masks);
      return;
    }
    const [is, remedy] = masks
      ? ['not masked, and stay so', 'a masked one needs a topic of its own: set another KAFKA_TOPIC']
      : ['masked', 'set MASK_CAPTURE=true, TABLE_SPEC and MASK_KEY_FILE as before, or another KAFKA_TOPIC'];
    throw new SluiceError('SLUICE_CONFIG', `the changes in the topic ${topic} are ${is}: ${remedy}`);
  }

  /** The committed records of a range, in order. */
  async *#records(from: number, until: number): AsyncGenerator<Message> {
    const { stallTimeoutMs } = this.#options;
    this.#reached = from;
    this.#until = until;
    this.#consumer.assign([{ topic: this.#topic, partition: 0, offset: from }]);
    let progressMs = performance.now();
    while (this.#reached < until) {
      const before = this.#reached;
      const messages = await called<Message[]>((done) => this.#consumer.consume(BATCH, done));
      for (const message of messages) if (message.offset < until) yield message;
      this.#reached = Math.max(this.#reached, (messages.at(-1)?.offset ?? -1) + 1);
      if (this.#reached > before) progressMs = performance.now();
      else if (performance.now() - progressMs > stallTimeoutMs) {
        throw new Error(
          `it ends at the offset ${until}, and nothing came after ${this.#reached} for ${stallTimeoutMs / 1e3} s: ` +
            'look for brokers that are down and for open transactions (kafka-transactions.sh find-hanging)',
        );
      }
    }
  }

  /** The last stable offset was reached: what is after it belongs to transactions that are open. */
  #onStableEnd(offset: number): void {
    this.#reached = offset;
    if (offset >= this.#until) return;
    const range = { offset, end: this.#until };
    this.#log.warn(range, `${this.#topic}: another producer has an open transaction here; waiting for it to end`);
  }

  async #endOffset(extent: 'committed' | 'everything'): Promise<number> {
    const { brokers, properties } = this.#options;
    const { READ_COMMITTED, READ_UNCOMMITTED } = kafka.IsolationLevel;
    const isolationLevel = extent === 'committed' ? READ_COMMITTED : READ_UNCOMMITTED;
    const wanted = [{ topic: this.#topic, partition: 0, offset: kafka.OffsetSpec.LATEST }];
    const admin = kafka.AdminClient.create({ ...properties, 'bootstrap.servers': brokers } as never);
    try {
      for (const overdueMs = performance.now() + TIMEOUT_MS; ; await sleep(POLL_MS)) {
        try {
          const [found] = await called<kafka.ListOffsetsResult[]>((done) =>
            admin.listOffsets(wanted, { timeout: TIMEOUT_MS, isolationLevel }, done),
          );
          if (found.error) throw found.error;
          return found.offset;
        } catch (error) {
          const isAbsent = ABSENT.has((error as LibrdKafkaError).code);
          if (isAbsent && extent === 'committed') return 0;
          // Not every broker knows a topic that was just made.
          if (!isAbsent || performance.now() > overdueMs) throw error;
        }
      }
    } finally {
      admin.disconnect();
    }
  }

  #failure(thrown: unknown): SluiceError {
    if (thrown instanceof SluiceError) return thrown;
    return new SluiceError('SLUICE_KAFKA', `${this.#topic} cannot be read: ${(thrown as Error).message}`, {
      cause: thrown,
    });
  }
}
