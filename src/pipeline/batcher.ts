/**
 * Collects the chunks of each partition into batches.
 *
 * A batch never exceeds BATCH_ROWS, and exceeds BATCH_BYTES only if a single message does. Ranges are contiguous: a
 * batch starts where the one before it ended, whatever offsets Kafka left out between.
 */
import type { Chunk, ChunkPool } from '../core/chunk.js';
import { assert } from '../core/errors.js';
import type { ReadPosition } from '../core/source.js';
import type { OpenBatch, Partition, Partitions } from './partition.js';

export interface BatchLimits {
  readonly batchRows: number;
  readonly batchBytes: number;
  readonly flushIntervalMs: number;
}

/** A batch that takes no more messages. */
export interface ClosedBatch extends Omit<OpenBatch, 'openedMs'> {
  readonly partition: Partition;
  readonly nextOffset: number;
}

/** This share of BATCH_ROWS is worth a file when nothing was committed yet. */
const EAGER_SHARE = 1 / 8;
/** While its log holds enough to fill it, a batch may stay open for this many flush intervals. */
export const BACKLOG_INTERVALS = 8;
/** A run shorter than this share of a chunk is copied if that saves memory. */
const SHORT_RUN = 0.5;

export class Batcher {
  readonly #limits: BatchLimits;
  readonly #pool: ChunkPool;
  readonly #partitions: Partitions;
  #closed: ClosedBatch[] = [];

  constructor(limits: BatchLimits, pool: ChunkPool, partitions: Partitions) {
    this.#limits = limits;
    this.#pool = pool;
    this.#partitions = partitions;
  }

  /** Forgets the messages of these partitions' batches that were not drained. */
  discard(numbers: readonly number[]): void {
    for (const partition of this.#partitions.of(numbers)) this.#close(partition);
    for (const batch of this.#drain()) {
      if (!numbers.includes(batch.partition.number)) this.#closed.push(batch);
      else for (const chunk of batch.chunks) this.#pool.release(chunk);
    }
  }

  /** Takes a filled chunk over. Its messages follow those added before. */
  add({ partition: number, nextOffset, leaderEpoch }: ReadPosition, chunk: Chunk, nowMs: number): void {
    const partition = this.#partitions.get(number);
    assert(partition.nextOffset !== undefined, `partition ${number} is assigned`);
    const isNext = chunk.rows > 0 && nextOffset > partition.nextOffset;
    assert(isNext, `messages of partition ${number} come in offset order`);
    const { batchRows, batchBytes } = this.#limits;
    const before = partition.openBatch;
    const fits =
      before === undefined ||
      (before.rows + chunk.rows <= batchRows && before.valueBytes + chunk.valueBytes <= batchBytes);
    if (!fits && before.rows > 0) this.#close(partition);
    partition.openBatch ??= this.#emptyBatch(partition.nextOffset, nowMs);
    const batch = partition.openBatch;
    partition.nextOffset = nextOffset;
    batch.leaderEpoch = leaderEpoch;
    batch.rows += chunk.rows;
    batch.valueBytes += chunk.valueBytes;
    this.#keep(batch.chunks, chunk);
    if (batch.rows >= batchRows || batch.valueBytes >= batchBytes) this.#close(partition);
  }

  /**
   * Keeps a run where it pins the least memory. A short one is appended to the run before it, or copied to a smaller
   * chunk, which grows with the batch: each partition that trickles has an open batch.
   */
  #keep(chunks: Chunk[], run: Chunk): void {
    const isShort = run.valueBytes < run.valueCapacity * SHORT_RUN && run.rows < run.rowCapacity * SHORT_RUN;
    const last = isShort ? chunks.at(-1) : undefined;
    if (last?.hasRoomFor(run.rows, run.valueBytes, run.keyBytes)) {
      last.append(run);
      this.#pool.release(run);
      return;
    }
    const grown = last && this.#pool.join([last, run]);
    if (grown !== undefined) chunks[chunks.length - 1] = grown;
    else chunks.push((isShort && this.#pool.join([run])) || run);
  }

  /** Moves a partition on to its end, past offsets that hold no message. */
  eof(number: number, nextOffset: number, nowMs: number): void {
    const partition = this.#partitions.get(number);
    if (partition.nextOffset === undefined || nextOffset <= partition.nextOffset) return;
    partition.openBatch ??= this.#emptyBatch(partition.nextOffset, nowMs);
    partition.nextOffset = nextOffset;
  }

  /**
   * The batches that are full, and of those that are due the oldest, `limit` in all. A due batch stays open as long as
   * the log holds enough to fill it: under a backlog large batches cost less, and nothing new waits in them. If one is
   * due, so are all others that the log cannot fill: they share its commit instead of waiting for theirs.
   * @param eager also take batches that are large enough to be worth a file: the workers have nothing else to do
   */
  drainClosed(nowMs: number, limit: number, eager = false): ClosedBatch[] {
    const free = limit - this.#closed.length;
    if (free <= 0) return this.#drain();
    for (const [index, [partition, batch]] of this.#due(nowMs, eager).entries()) {
      batch.dueMs = Math.min(batch.dueMs, nowMs);
      if (index < free) this.#close(partition);
    }
    return this.#drain();
  }

  /** The batches that are full, and the `limit` of the others that hold the most memory. */
  drainLargest(limit: number): ClosedBatch[] {
    const bytes = ([, { chunks }]: [Partition, OpenBatch]) => chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    const bySize = [...this.#open()].sort((one, other) => bytes(other) - bytes(one));
    for (const [partition] of bySize.slice(0, limit)) this.#close(partition);
    return this.#drain();
  }

  /** Closes everything that is open. */
  drainAll(): ClosedBatch[] {
    for (const partition of this.#partitions.all) this.#close(partition);
    return this.#drain();
  }

  /** Milliseconds until the next open batch is due, at most `maximum`. */
  msToNextFlush(nowMs: number, maximum: number): number {
    let ms = maximum;
    for (const [partition, { dueMs }] of this.#open()) if (!isWaiting(partition)) ms = Math.min(ms, dueMs - nowMs);
    return Math.max(0, Math.ceil(ms));
  }

  #due(nowMs: number, eager: boolean): [Partition, OpenBatch][] {
    const { flushIntervalMs, batchRows } = this.#limits;
    const isFillable = ({ lag }: Partition, { rows }: OpenBatch) => lag >= batchRows - rows;
    const due: [Partition, OpenBatch][] = [];
    const others: [Partition, OpenBatch][] = [];
    let anyDue = false;
    for (const [partition, batch] of this.#open()) {
      if (isWaiting(partition)) continue;
      const isDue = nowMs >= batch.dueMs && !isFillable(partition, batch);
      anyDue ||= isDue;
      const isLarge = eager && batch.rows >= batchRows * EAGER_SHARE;
      const isOverdue = nowMs - batch.openedMs >= flushIntervalMs * BACKLOG_INTERVALS;
      (isDue || isLarge || isOverdue ? due : others).push([partition, batch]);
    }
    if (anyDue) due.push(...others.filter(([partition, batch]) => !isFillable(partition, batch)));
    return due.sort(([, one], [, other]) => one.openedMs - other.openedMs);
  }

  *#open(): Generator<[Partition, OpenBatch]> {
    for (const partition of this.#partitions.all) {
      if (partition.openBatch !== undefined) yield [partition, partition.openBatch];
    }
  }

  #drain(): ClosedBatch[] {
    const closed = this.#closed;
    this.#closed = [];
    return closed;
  }

  #close(partition: Partition): void {
    const { openBatch, nextOffset } = partition;
    if (openBatch === undefined) return;
    assert(nextOffset !== undefined, `partition ${partition.number} is read while it has an open batch`);
    const { openedMs, ...batch } = openBatch;
    this.#closed.push({ ...batch, partition, nextOffset });
    partition.openBatch = undefined;
  }

  #emptyBatch(startOffset: number, openedMs: number): OpenBatch {
    const dueMs = openedMs + this.#limits.flushIntervalMs;
    return { startOffset, leaderEpoch: undefined, chunks: [], rows: 0, valueBytes: 0, openedMs, dueMs };
  }
}

/** Whether its last batch waits for something: the next one fills meanwhile. */
function isWaiting({ inFlight }: Partition): boolean {
  return inFlight.at(-1)?.isWaiting === true;
}
