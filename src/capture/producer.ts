/** Kafka transactions: messages and the position in the change stream after them are visible together or not at all. */
import { setTimeout as sleep } from 'node:timers/promises';
import kafka, { type LibrdKafkaError, type Metadata } from '@confluentinc/kafka-javascript';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import { called, connectClient, madeClient } from '../kafka/client.js';

const { ERRORS } = kafka.CODES;
const CLOSE_TIMEOUT_MS = 5000;
/** A step of a transaction is retried after this long. The process cannot end before. */
const STEP_TIMEOUT_MS = 5000;
const QUEUE_FULL_WAIT_MS = 5;
const POLL_INTERVAL_MS = 50;
const MAX_BACKOFF_MS = 10_000;
/** A broker ends transactions that are open for longer, so that readers of committed messages do not wait. */
export const TRANSACTION_TIMEOUT_MS = 60_000;
/** Refusals of a message that sending it again does not change, and what to do. */
const REFUSALS: ReadonlyMap<number, string> = new Map([
  [ERRORS.ERR_MSG_SIZE_TOO_LARGE, 'set MAX_MESSAGE_BYTES below its max.message.bytes, or raise that'],
  [ERRORS.ERR_RECORD_LIST_TOO_LARGE, 'set MAX_MESSAGE_BYTES below its segment.bytes, or raise that'],
  [ERRORS.ERR_TOPIC_AUTHORIZATION_FAILED, 'allow this user to write to it'],
  [ERRORS.ERR_INVALID_RECORD, 'see the log of the broker'],
  [ERRORS.ERR_POLICY_VIOLATION, 'see the log of the broker'],
]);
/** Beside key and value: headers, timestamps, lengths. */
const MESSAGE_OVERHEAD_BYTES = 1024;

export interface ProducerOptions {
  readonly brokers: string;
  readonly transactionalId: string;
  readonly maxMessageBytes: number;
  readonly properties: Readonly<Record<string, string>>;
}

export interface OutgoingMessage {
  readonly topic: string;
  /** Chosen by the key's murmur2 hash, as the Java client does, where undefined. */
  readonly partition?: number;
  readonly key: string;
  /** null: a tombstone. */
  readonly value: Buffer | null;
}

export class TransactionalProducer {
  readonly #client: InstanceType<typeof kafka.Producer>;
  readonly #timeoutMs: number;
  readonly #log: Logger;
  /** How many each topic had. */
  readonly #partitions = new Map<string, number>();
  #refusal: SluiceError | undefined;
  #closing = false;
  /** Of the open transaction, by the machine's clock, which goes on while it is suspended. */
  #beganMs: number | undefined;

  private constructor(client: InstanceType<typeof kafka.Producer>, timeoutMs: number, log: Logger) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    this.#log = log;
  }

  /**
   * Connects and fences every former producer of the same transactional id: what it had open is aborted.
   * @throws SluiceError SLUICE_KAFKA_UNREACHABLE, SLUICE_KAFKA
   */
  static async connect(options: ProducerOptions, log: Logger): Promise<TransactionalProducer> {
    const properties = {
      'client.id': 'sluice-capture',
      'linger.ms': 5,
      'queue.buffering.max.messages': 200_000,
      'queue.buffering.max.kbytes': 256 << 10,
      'reconnect.backoff.max.ms': 2000,
      'transaction.timeout.ms': TRANSACTION_TIMEOUT_MS,
      'delivery.report.only.error': true,
      dr_cb: true,
      ...options.properties,
      'metadata.broker.list': options.brokers,
      'message.max.bytes': options.maxMessageBytes + MESSAGE_OVERHEAD_BYTES,
      'transactional.id': options.transactionalId,
      'enable.idempotence': true,
      partitioner: 'murmur2_random',
    } as ConstructorParameters<typeof kafka.Producer>[0];
    const client = madeClient(() => new kafka.Producer(properties));
    const timeoutMs = Number(options.properties['transaction.timeout.ms'] ?? TRANSACTION_TIMEOUT_MS);
    const producer = new TransactionalProducer(client, timeoutMs, log);
    client.on('delivery-report', (error, { topic }) => producer.#onUndelivered(error, topic));
    await connectClient(client, { brokers: options.brokers, properties: options.properties }, log);
    client.on('event.error', (error) => producer.#onError(error));
    client.setPollInterval(POLL_INTERVAL_MS);
    await producer.#untilDone('initTransactions', (done) => client.initTransactions(STEP_TIMEOUT_MS, done));
    return producer;
  }

  /**
   * How many partitions a topic has now. While no broker answers, it is asked again.
   * @throws SluiceError SLUICE_UNKNOWN_TOPIC
   */
  async partitionCount(topic: string): Promise<number> {
    const metadata = await this.#metadata(topic);
    const partitions = metadata.topics.find(({ name }) => name === topic)?.partitions.length ?? 0;
    // They do not become fewer, but a broker that has just started may not know the topic yet.
    const known = Math.max(partitions, this.#partitions.get(topic) ?? 0);
    this.#partitions.set(topic, known);
    if (known > 0) return known;
    throw new SluiceError('SLUICE_UNKNOWN_TOPIC', `the topic ${topic} does not exist: create it, or set KAFKA_TOPIC`);
  }

  /**
   * Sends all messages in one transaction. What fails for now is tried again until it works or the producer is closed.
   * @throws SluiceError SLUICE_FENCED if another capture took over or the broker ended the transaction, SLUICE_KAFKA if
   *   a topic refuses a message for good
   */
  async transaction(messages: readonly OutgoingMessage[]): Promise<void> {
    for (let backoffMs = 100; ; backoffMs = Math.min(MAX_BACKOFF_MS, backoffMs * 2)) {
      try {
        this.#beganMs = Date.now();
        await called((done) => this.#client.beginTransaction(done));
        for (const message of messages) await this.#produce(message);
        await this.#untilDone('commitTransaction', (done) => this.#client.commitTransaction(STEP_TIMEOUT_MS, done));
        this.#beganMs = undefined;
        return;
      } catch (thrown) {
        const error = thrown as LibrdKafkaError;
        if (thrown instanceof SluiceError || isFatal(error) || this.#closing) throw this.#failure(error);
        this.#log.warn({ code: error.code }, `Kafka: ${error.message}; repeating the transaction`);
        await this.#untilDone('abortTransaction', (done) => this.#client.abortTransaction(STEP_TIMEOUT_MS, done));
        // Reports of what was not delivered come with the next polls.
        await sleep(Math.max(backoffMs, 2 * POLL_INTERVAL_MS));
        if (this.#refusal !== undefined) throw this.#refusal;
      }
    }
  }

  /** Ends the client; a transaction that is open is aborted by the broker. */
  async close(): Promise<void> {
    this.#closing = true;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
      this.#client.disconnect(CLOSE_TIMEOUT_MS, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async #metadata(topic: string): Promise<Metadata> {
    for (let backoffMs = 100; ; backoffMs = Math.min(MAX_BACKOFF_MS, backoffMs * 2)) {
      try {
        return await called<Metadata>((done) => this.#client.getMetadata({ topic, timeout: STEP_TIMEOUT_MS }, done));
      } catch (thrown) {
        const error = thrown as LibrdKafkaError;
        if (isFatal(error) || this.#closing) throw this.#failure(error, `the partitions of ${topic} are not known`);
        this.#log.warn({ code: error.code }, `Kafka: ${error.message}; asking for the partitions of ${topic} again`);
        await sleep(backoffMs);
      }
    }
  }

  async #produce({ topic, partition, key, value }: OutgoingMessage): Promise<void> {
    for (;;) {
      try {
        // The client ends a string at its first NUL.
        this.#client.produce(topic, partition ?? null, value, key.includes('\0') ? Buffer.from(key) : key);
        return;
      } catch (error) {
        if ((error as LibrdKafkaError).code !== ERRORS.ERR__QUEUE_FULL) throw error;
        await sleep(QUEUE_FULL_WAIT_MS);
      }
    }
  }

  /** A step that may take longer than one timeout, while brokers are away: retried until it is done. */
  async #untilDone(step: string, call: (done: (error: LibrdKafkaError) => void) => unknown): Promise<void> {
    for (;;) {
      try {
        await called((done) => call(done));
        return;
      } catch (thrown) {
        const error = thrown as LibrdKafkaError;
        if (!error.isRetriable || isFatal(error) || this.#closing) throw isFatal(error) ? this.#failure(error) : error;
        this.#log.warn({ code: error.code }, `Kafka: ${step}: ${error.message}`);
      }
    }
  }

  #onUndelivered(error: LibrdKafkaError, topic: string): void {
    const remedy = REFUSALS.get(error.code);
    if (remedy === undefined) return;
    const message = `the topic ${topic} refuses a message: ${error.message}; ${remedy}`;
    this.#refusal ??= new SluiceError('SLUICE_KAFKA', message, { cause: error });
  }

  #failure(error: LibrdKafkaError | SluiceError, what = 'a transaction cannot be written'): SluiceError {
    if (error instanceof SluiceError) return error;
    const { code, message } = error;
    if (!FENCED.has(code) && !/fenced/i.test(message)) {
      return new SluiceError('SLUICE_KAFKA', `${what}: ${message}`, { cause: error });
    }
    const openMs = this.#beganMs === undefined ? 0 : Date.now() - this.#beganMs;
    // The broker fences in the same way whoever writes on after it ended the transaction.
    const ended =
      `the broker ended a transaction that was open for ${Math.round(openMs / 1e3)} s, longer than ` +
      `transaction.timeout.ms=${this.#timeoutMs}; or `;
    const why = `${openMs > this.#timeoutMs ? ended : ''}another capture took over the topic`;
    return new SluiceError('SLUICE_FENCED', `${why}: ${message}`, { cause: error });
  }

  #onError(error: LibrdKafkaError): void {
    if (!this.#closing) this.#log.warn({ code: error.code }, `Kafka: ${error.message}`);
  }
}

const FENCED: ReadonlySet<number> = new Set([
  ERRORS.ERR__FENCED,
  ERRORS.ERR_INVALID_PRODUCER_EPOCH,
  ERRORS.ERR_PRODUCER_FENCED,
]);

function isFatal(error: LibrdKafkaError): boolean {
  return error.isFatal === true || FENCED.has(error.code);
}
