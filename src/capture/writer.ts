/** Gathers messages into groups and writes each group, with the position after it, as one transaction. */
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import {
  type Checkpoint,
  checkpointMessage,
  type Sealing,
  snapshotCheckpoint,
  tombstoneMessage,
} from './checkpoint.js';
import { type CapturedMessage, markerMessage, oversizeMessage } from './envelope.js';
import type { CaptureMetrics } from './metrics.js';
import type { OutgoingMessage, TransactionalProducer } from './producer.js';
import { wentBack } from './resume-token.js';

export interface WriterOptions {
  readonly topic: string;
  /** database.collection */
  readonly source: string;
  /** A group is due at whichever comes first. */
  readonly transactionEvents: number;
  readonly transactionBytes: number;
  readonly transactionIntervalMs: number;
  readonly maxMessageBytes: number;
  /** What positions are encrypted with; undefined: they are not. */
  readonly masks?: Sealing | undefined;
}

export interface WriterParts {
  readonly producer: TransactionalProducer;
  readonly metrics: CaptureMetrics;
  readonly log: Logger;
}

export function oversizeTopic(topic: string): string {
  return `${topic}.oversize`;
}

class Group {
  readonly messages: OutgoingMessage[] = [];
  readonly operations = new Map<string, number>();
  bytes = 0;
  sinceMs = 0;
}

export class GroupWriter {
  readonly #options: WriterOptions;
  readonly #parts: WriterParts;
  #record: Checkpoint | undefined;
  #group = new Group();
  #committing: Promise<void> | undefined;
  #failure: unknown;

  /** @param record the last one that was committed */
  constructor(options: WriterOptions, parts: WriterParts, record: Checkpoint | undefined) {
    this.#options = options;
    this.#parts = parts;
    this.#record = record;
    if (record !== undefined) parts.metrics.standsAt(record.clusterTime);
  }

  /** The position after all that was handed over to be committed. */
  get record(): Checkpoint | undefined {
    return this.#record;
  }

  get isEmpty(): boolean {
    return this.#group.messages.length === 0;
  }

  get isFull(): boolean {
    const { transactionEvents, transactionBytes } = this.#options;
    return this.#group.messages.length >= transactionEvents || this.#group.bytes >= transactionBytes;
  }

  /**
   * Whether a message can hold this position: a resume token and an `_id` may be as large as a document. One that does
   * not fit is left out, and the group is written with the next one that does.
   */
  canStore(record: Checkpoint): boolean {
    const { key, value } = this.#stored(record);
    return Buffer.byteLength(key) + (value?.length ?? 0) <= this.#options.maxMessageBytes;
  }

  /** Whether to write the group now. Time alone does not wait for the transaction before: the group keeps filling. */
  isDue(nowMs: number): boolean {
    if (this.isEmpty || this.isFull) return !this.isEmpty;
    return this.#committing === undefined && nowMs - this.#group.sinceMs >= this.#options.transactionIntervalMs;
  }

  add(captured: CapturedMessage): void {
    const { topic, maxMessageBytes } = this.#options;
    const { metrics, log } = this.#parts;
    const group = this.#group;
    if (this.isEmpty) group.sinceMs = performance.now();
    group.operations.set(captured.operation, (group.operations.get(captured.operation) ?? 0) + 1);
    const fits = captured.bytes <= maxMessageBytes;
    const { key, value, bytes } = fits ? captured : oversizeMessage(captured, maxMessageBytes);
    group.messages.push({ topic: fits ? topic : oversizeTopic(topic), key, value });
    group.bytes += bytes;
    if (fits) return;
    metrics.oversize.inc();
    log.error(
      { code: 'SLUICE_KAFKA', order_id: captured.orderId.text, bytes: captured.bytes },
      `larger than MAX_MESSAGE_BYTES=${maxMessageBytes}: left out`,
    );
  }

  /** Marks in each partition, also in those that were added meanwhile, where a snapshot begins or ends. */
  async addMarkers(time: string, end: 'begin' | 'end'): Promise<void> {
    const { topic, source } = this.#options;
    const partitions = await this.#parts.producer.partitionCount(topic);
    for (let partition = 0; partition < partitions; partition++) {
      const { key, value } = markerMessage({ source, time }, end, partition);
      this.#group.messages.push({ topic, partition, key, value });
    }
  }

  /** Begins a snapshot, in one transaction with what the group has: from then on it is to be taken or resumed. */
  async beginSnapshot(time: string): Promise<void> {
    await this.addMarkers(time, 'begin');
    await this.write(snapshotCheckpoint(time, null, false));
  }

  /** Ends other sources of the topic. */
  addTombstones(sources: readonly string[]): void {
    for (const source of sources) this.#group.messages.push(tombstoneMessage(this.#options.topic, source));
  }

  /**
   * Starts to write the group and the position after it, after the transaction before is done.
   * @throws what that one failed with
   */
  async write(record: Checkpoint): Promise<void> {
    await this.settled();
    const { producer, metrics } = this.#parts;
    const back = this.#record && wentBack(this.#record, record);
    if (back !== undefined) throw new SluiceError('SLUICE_MONGODB', back);
    const { messages, operations } = this.#group;
    this.#group = new Group();
    this.#record = record;
    this.#committing = producer.transaction([...messages, this.#stored(record)]).then(
      () => {
        this.#committing = undefined;
        metrics.committed(operations, record.clusterTime);
      },
      (thrown) => {
        this.#committing = undefined;
        this.#failure ??= thrown;
      },
    );
  }

  #stored(record: Checkpoint): OutgoingMessage {
    const { topic, source, masks } = this.#options;
    return checkpointMessage(topic, source, record, masks);
  }

  /** Waits for the transaction that is under way. @throws what it failed with */
  async settled(): Promise<void> {
    await this.#committing;
    this.throwIfFailed();
  }

  /** Throws what a transaction failed with. */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}
