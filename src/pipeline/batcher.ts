/**
 * The packer: collects the chunks of each partition into batches.
 *
 * A batch never exceeds BATCH_ROWS, and exceeds BATCH_BYTES only if a single message does. Ranges are contiguous: a
 * batch starts where the one before it ended, whatever offsets Kafka left out between.
 */
import type { Chunk, ChunkPool } from '../core/chunk.js';
import { assert } from '../core/errors.js';
import type { ReadPosition } from '../core/source.js';

export interface BatchLimits {
  readonly batchRows: number;
  readonly batchBytes: number;
  readonly flushIntervalMs: number;
}

/** A batch that takes no more messages. */
export interface ClosedBatch {
  readonly partition: number;
  readonly startOffset: number;
  readonly nextOffset: number;
  /** Of the last message; undefined if there is none or the broker does not say. */
  readonly leaderEpoch: number | undefined;
  readonly chunks: readonly Chunk[];
  readonly rows: number;
  readonly valueBytes: number;
}

interface OpenBatch {
  startOffset: number;
  nextOffset: number;
  leaderEpoch: number | undefined;
  chunks: Chunk[];
  rows: number;
  valueBytes: number;
  openedMs: number;
}

/** This share of BATCH_ROWS is worth a file when nothing was committed yet. */
const EAGER_SHARE = 1 / 8;
/** While its log holds enough to fill it, a batch may stay open for this many flush intervals. */
const BACKLOG_INTERVALS = 8;
/** A run shorter than this share of a chunk is appended to the one before it: a trickle would pin many chunks. */
const SHORT_RUN = 0.5;

export class Batcher {
  readonly #limits: BatchLimits;
  readonly #pool: ChunkPool;
  readonly #open = new Map<number, OpenBatch>();
  /** Where the next batch of each partition starts. */
  readonly #nextOffsets = new Map<number, number>();
  #closed: ClosedBatch[] = [];

  constructor(limits: BatchLimits, pool: ChunkPool) {
    this.#limits = limits;
    this.#pool = pool;
  }

  /** Starts over from these positions; messages that are not in a closed batch yet are forgotten. */
  reset(positions: readonly ReadPosition[]): void {
    for (const { chunks } of [...this.#open.values(), ...this.#closed]) {
      for (const chunk of chunks) this.#pool.release(chunk);
    }
    this.#open.clear();
    this.#closed = [];
    this.#nextOffsets.clear();
    for (const { partition, nextOffset } of positions) this.#nextOffsets.set(partition, nextOffset);
  }

  /** The offset up to which a partition was read: open and closed batches included. */
  nextOffset(partition: number): number | undefined {
    return this.#open.get(partition)?.nextOffset ?? this.#nextOffsets.get(partition);
  }

  get openRows(): number {
    let rows = 0;
    for (const batch of this.#open.values()) rows += batch.rows;
    return rows;
  }

  /** Takes a filled chunk over. Its messages follow those added before. */
  add({ partition, nextOffset, leaderEpoch }: ReadPosition, chunk: Chunk, nowMs: number): void {
    let batch = this.#open.get(partition) ?? this.#openBatch(partition, nowMs);
    assert(chunk.rows > 0 && nextOffset > batch.nextOffset, `messages of partition ${partition} come in offset order`);
    const { batchRows, batchBytes } = this.#limits;
    const exceeds = batch.rows + chunk.rows > batchRows || batch.valueBytes + chunk.valueBytes > batchBytes;
    if (exceeds && batch.rows > 0) {
      this.#close(partition, batch);
      batch = this.#openBatch(partition, nowMs);
    }
    batch.nextOffset = nextOffset;
    batch.leaderEpoch = leaderEpoch;
    batch.rows += chunk.rows;
    batch.valueBytes += chunk.valueBytes;
    const last = batch.chunks.at(-1);
    const short = chunk.valueBytes < chunk.valueCapacity * SHORT_RUN && chunk.rows < chunk.rowCapacity * SHORT_RUN;
    if (short && last?.hasRoomFor(chunk.rows, chunk.valueBytes, chunk.keyBytes)) {
      last.append(chunk);
      this.#pool.release(chunk);
    } else {
      batch.chunks.push(chunk);
    }
    if (batch.rows >= batchRows || batch.valueBytes >= batchBytes) this.#close(partition, batch);
  }

  /** Moves a partition on to its end, past offsets that hold no message. */
  eof(partition: number, nextOffset: number, nowMs: number): void {
    const reached = this.nextOffset(partition);
    if (reached === undefined || nextOffset <= reached) return;
    const batch = this.#open.get(partition) ?? this.#openBatch(partition, nowMs);
    batch.nextOffset = nextOffset;
  }

  /**
   * The batches that are full or due. A due batch stays open as long as `lag` (messages that the log holds after it)
   * would fill it: under a backlog, large batches cost less and nobody waits for the newest row. With one that is due
   * all others close that the log cannot fill, so that they share a commit instead of waiting for each other's.
   * @param eager also take batches that are large enough to be worth a file: the workers have nothing else to do
   */
  drainClosed(nowMs: number, lag: (partition: number, nextOffset: number) => number, eager = false): ClosedBatch[] {
    const { flushIntervalMs, batchRows } = this.#limits;
    const fillable = (partition: number, batch: OpenBatch) =>
      lag(partition, batch.nextOffset) >= batchRows - batch.rows;
    let anyDue = false;
    for (const [partition, batch] of this.#open) {
      const ageMs = nowMs - batch.openedMs;
      const due = ageMs >= flushIntervalMs && !fillable(partition, batch);
      anyDue ||= due;
      const large = eager && batch.rows >= batchRows * EAGER_SHARE;
      if (due || large || ageMs >= flushIntervalMs * BACKLOG_INTERVALS) this.#close(partition, batch);
    }
    for (const [partition, batch] of anyDue ? this.#open : []) {
      if (!fillable(partition, batch)) this.#close(partition, batch);
    }
    return this.#drain();
  }

  /** Closes everything that is open. */
  drainAll(): ClosedBatch[] {
    for (const [partition, batch] of this.#open) this.#close(partition, batch);
    return this.#drain();
  }

  /** Milliseconds until the next open batch is due, at most `maximum`. */
  msToNextFlush(nowMs: number, maximum: number): number {
    let ms = maximum;
    for (const { openedMs } of this.#open.values()) ms = Math.min(ms, openedMs + this.#limits.flushIntervalMs - nowMs);
    return Math.max(0, Math.ceil(ms));
  }

  #drain(): ClosedBatch[] {
    const closed = this.#closed;
    this.#closed = [];
    return closed;
  }

  #openBatch(partition: number, openedMs: number): OpenBatch {
    const startOffset = this.#nextOffsets.get(partition);
    assert(startOffset !== undefined, `partition ${partition} is assigned`);
    const empty = { leaderEpoch: undefined, chunks: [], rows: 0, valueBytes: 0 };
    const batch: OpenBatch = { startOffset, nextOffset: startOffset, ...empty, openedMs };
    this.#open.set(partition, batch);
    return batch;
  }

  #close(partition: number, { openedMs: _, ...batch }: OpenBatch): void {
    this.#open.delete(partition);
    this.#nextOffsets.set(partition, batch.nextOffset);
    this.#closed.push({ partition, ...batch });
  }
}
