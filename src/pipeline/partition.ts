/**
 * All that the pipeline knows of a partition, in one place. Assignment, batcher and sequencer work on it:
 *
 *        committed            read
 *            │   in flight     │ open batch, in memory
 *   ─────────┼─────────────────┼──────────── log of the partition ──▶ end
 *                              └── lag ─────────────────────────────┘
 */
import type { Chunk } from '../core/chunk.js';
import { assert } from '../core/errors.js';
import type { BatchResult, SinkPosition } from '../core/flow.js';
import type { Source } from '../core/source.js';
import { MessageTimes } from './message-times.js';

/** A batch that takes messages. It ends where its partition was read up to. */
export interface OpenBatch {
  readonly startOffset: number;
  /** Of the last message; undefined if there is none or the broker does not say. */
  leaderEpoch: number | undefined;
  readonly chunks: Chunk[];
  rows: number;
  valueBytes: number;
  readonly openedMs: number;
  /** From when on a worker may have it; `performance.now()`. */
  dueMs: number;
}

/** What a batch must have before a worker can. */
export interface BatchWait {
  /** Settles when it is there, or cannot be had. */
  readonly over: Promise<unknown>;
  /** Aborted when the batch is dropped. */
  readonly dropped: AbortController;
}

/** A batch between its dispatch and its staging. */
export interface InFlightBatch {
  readonly partition: Partition;
  /** When it was due, or dispatched if that was earlier; `performance.now()`. */
  readonly dueMs: number;
  readonly rows: number;
  readonly bytes: number;
  readonly wait: BatchWait | undefined;
  /** No worker has it yet. */
  isWaiting: boolean;
  /** What a worker made of it, once it is done. */
  result: BatchResult | undefined;
}

/** What can be asked about the log of a partition. */
export type LogEnds = Pick<Source, 'lag'>;

/** A partition that the sink knows. */
export class Partition {
  readonly #log: LogEnds;
  #committed: SinkPosition;
  #committedAtMs = performance.now();
  /** The next offset to be read; undefined while this process does not read the partition. */
  nextOffset: number | undefined;
  openBatch: OpenBatch | undefined;
  /** Batches that are not staged yet, in offset order. */
  readonly inFlight: InFlightBatch[] = [];
  readonly times = new MessageTimes();
  /** Where the run stops; undefined if it does not stop there. */
  endOffset: number | undefined;

  constructor(log: LogEnds, position: SinkPosition) {
    this.#log = log;
    this.#committed = position;
  }

  get number(): number {
    return this.#committed.partition;
  }

  /** Where it stands in the sink. */
  get committed(): SinkPosition {
    return this.#committed;
  }

  /** When that was noted last; `performance.now()`. */
  get committedAtMs(): number {
    return this.#committedAtMs;
  }

  /** Messages in the log after what was read; 0 if it is not read or the end is unknown. */
  get lag(): number {
    return this.nextOffset === undefined ? 0 : this.#log.lag(this.number, this.nextOffset);
  }

  /** Messages in the log after what was committed. */
  get uncommitted(): number {
    return this.#log.lag(this.number, this.#committed.nextOffset);
  }

  /** How old the oldest message after what was committed is at most, in seconds; undefined if that is not known. */
  get lagSeconds(): number | undefined {
    if (this.uncommitted === 0) return 0;
    const sinceMs = this.times.waitingSinceMs(this.openBatch?.chunks ?? []);
    return sinceMs === undefined ? undefined : Math.max(0, (Date.now() - sinceMs) / 1e3);
  }

  /** Whether it was read up to where the run stops. */
  get hasReachedEnd(): boolean {
    return this.endOffset === undefined || (this.nextOffset ?? -1) >= this.endOffset;
  }

  /** Notes where it stands in the sink. */
  moveTo(position: SinkPosition): void {
    this.#committed = position;
    this.#committedAtMs = performance.now();
  }
}

/** The partitions that the sink knows, by number. */
export class Partitions {
  readonly #log: LogEnds;
  readonly #byNumber = new Map<number, Partition>();

  constructor(log: LogEnds) {
    this.#log = log;
  }

  /** In the order in which they became known. */
  get all(): Iterable<Partition> {
    return this.#byNumber.values();
  }

  get size(): number {
    return this.#byNumber.size;
  }

  has(number: number): boolean {
    return this.#byNumber.has(number);
  }

  /** One that the sink knows. */
  get(number: number): Partition {
    const partition = this.#byNumber.get(number);
    assert(partition !== undefined, `partition ${number} is assigned`);
    return partition;
  }

  /** Messages in the log after what was read, over all partitions. */
  get lag(): number {
    let messages = 0;
    for (const partition of this.all) messages += partition.lag;
    return messages;
  }

  /** Messages in the log after what was committed, of those that are read. */
  get backlog(): number {
    let messages = 0;
    for (const { nextOffset, uncommitted } of this.all) if (nextOffset !== undefined) messages += uncommitted;
    return messages;
  }

  /** Batches that take messages. */
  get openBatches(): number {
    let batches = 0;
    for (const { openBatch } of this.all) if (openBatch !== undefined) batches++;
    return batches;
  }

  /** Messages in open batches. */
  get openRows(): number {
    let rows = 0;
    for (const { openBatch } of this.all) rows += openBatch?.rows ?? 0;
    return rows;
  }

  /** Whether this process reads it. */
  isRead(number: number): boolean {
    return this.#byNumber.get(number)?.nextOffset !== undefined;
  }

  /** Whether this process reads any. */
  get isAnyRead(): boolean {
    for (const { nextOffset } of this.all) if (nextOffset !== undefined) return true;
    return false;
  }

  /** Those of these that the sink knows. */
  of(numbers: readonly number[]): Partition[] {
    return numbers.flatMap((number) => this.#byNumber.get(number) ?? []);
  }

  /** Nothing more is taken of these. */
  stopReading(numbers: readonly number[]): void {
    for (const partition of this.of(numbers)) partition.nextOffset = undefined;
  }

  /** Forgets these: another process may move them. */
  forget(numbers: readonly number[]): void {
    for (const number of numbers) this.#byNumber.delete(number);
  }

  /** Notes where partitions stand in the sink. */
  note(positions: readonly SinkPosition[]): void {
    for (const position of positions) {
      const known = this.#byNumber.get(position.partition);
      if (known !== undefined) known.moveTo(position);
      else this.#byNumber.set(position.partition, new Partition(this.#log, position));
    }
  }
}
