import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  assert
} from "./chunk-YDIRAWJT.js";

// src/pipeline/batcher.ts
var EAGER_SHARE = 1 / 8;
var BACKLOG_INTERVALS = 8;
var SHORT_RUN = 0.5;
var Batcher = class {
  #limits;
  #pool;
  #partitions;
  #closed = [];
  constructor(limits, pool, partitions) {
    this.#limits = limits;
    this.#pool = pool;
    this.#partitions = partitions;
  }
  /** Forgets the messages of batches that were not drained. */
  discard() {
    for (const partition of this.#partitions.all) this.#close(partition);
    for (const { chunks } of this.#drain()) {
      for (const chunk of chunks) this.#pool.release(chunk);
    }
  }
  /** Takes a filled chunk over. Its messages follow those added before. */
  add({ partition: number, nextOffset, leaderEpoch }, chunk, nowMs) {
    const partition = this.#partitions.get(number);
    assert(partition.nextOffset !== void 0, `partition ${number} is assigned`);
    const isNext = chunk.rows > 0 && nextOffset > partition.nextOffset;
    assert(isNext, `messages of partition ${number} come in offset order`);
    const { batchRows, batchBytes } = this.#limits;
    const before = partition.openBatch;
    const fits = before === void 0 || before.rows + chunk.rows <= batchRows && before.valueBytes + chunk.valueBytes <= batchBytes;
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
  #keep(chunks, run) {
    const isShort = run.valueBytes < run.valueCapacity * SHORT_RUN && run.rows < run.rowCapacity * SHORT_RUN;
    const last = isShort ? chunks.at(-1) : void 0;
    if (last?.hasRoomFor(run.rows, run.valueBytes, run.keyBytes)) {
      last.append(run);
      this.#pool.release(run);
      return;
    }
    const grown = last && this.#pool.join([last, run]);
    if (grown !== void 0) chunks[chunks.length - 1] = grown;
    else chunks.push(isShort && this.#pool.join([run]) || run);
  }
  /** Moves a partition on to its end, past offsets that hold no message. */
  eof(number, nextOffset, nowMs) {
    const partition = this.#partitions.get(number);
    if (partition.nextOffset === void 0 || nextOffset <= partition.nextOffset) return;
    partition.openBatch ??= this.#emptyBatch(partition.nextOffset, nowMs);
    partition.nextOffset = nextOffset;
  }
  /**
   * The batches that are full, and of those that are due the oldest, `limit` in all. A due batch stays open as long as
   * the log holds enough to fill it: under a backlog large batches cost less, and nothing new waits in them. If one is
   * due, so are all others that the log cannot fill: they share its commit instead of waiting for theirs.
   * @param eager also take batches that are large enough to be worth a file: the workers have nothing else to do
   */
  drainClosed(nowMs, limit, eager = false) {
    const free = limit - this.#closed.length;
    if (free <= 0) return this.#drain();
    for (const [index, [partition, batch]] of this.#due(nowMs, eager).entries()) {
      batch.dueMs = Math.min(batch.dueMs, nowMs);
      if (index < free) this.#close(partition);
    }
    return this.#drain();
  }
  /** The batches that are full, and the `limit` of the others that hold the most memory. */
  drainLargest(limit) {
    const bytes = ([, { chunks }]) => chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    const bySize = [...this.#open()].sort((one, other) => bytes(other) - bytes(one));
    for (const [partition] of bySize.slice(0, limit)) this.#close(partition);
    return this.#drain();
  }
  /** Closes everything that is open. */
  drainAll() {
    for (const partition of this.#partitions.all) this.#close(partition);
    return this.#drain();
  }
  /** Milliseconds until the next open batch is due, at most `maximum`. */
  msToNextFlush(nowMs, maximum) {
    let ms = maximum;
    for (const [, { dueMs }] of this.#open()) ms = Math.min(ms, dueMs - nowMs);
    return Math.max(0, Math.ceil(ms));
  }
  #due(nowMs, eager) {
    const { flushIntervalMs, batchRows } = this.#limits;
    const isFillable = ({ lag }, { rows }) => lag >= batchRows - rows;
    const due = [];
    const others = [];
    let anyDue = false;
    for (const [partition, batch] of this.#open()) {
      const isDue = nowMs >= batch.dueMs && !isFillable(partition, batch);
      anyDue ||= isDue;
      const isLarge = eager && batch.rows >= batchRows * EAGER_SHARE;
      const isOverdue = nowMs - batch.openedMs >= flushIntervalMs * BACKLOG_INTERVALS;
      (isDue || isLarge || isOverdue ? due : others).push([partition, batch]);
    }
    if (anyDue) due.push(...others.filter(([partition, batch]) => !isFillable(partition, batch)));
    return due.sort(([, one], [, other]) => one.openedMs - other.openedMs);
  }
  *#open() {
    for (const partition of this.#partitions.all) {
      if (partition.openBatch !== void 0) yield [partition, partition.openBatch];
    }
  }
  #drain() {
    const closed = this.#closed;
    this.#closed = [];
    return closed;
  }
  #close(partition) {
    const { openBatch, nextOffset } = partition;
    if (openBatch === void 0) return;
    assert(nextOffset !== void 0, `partition ${partition.number} is read while it has an open batch`);
    const { openedMs, ...batch } = openBatch;
    this.#closed.push({ ...batch, partition, nextOffset });
    partition.openBatch = void 0;
  }
  #emptyBatch(startOffset, openedMs) {
    const dueMs = openedMs + this.#limits.flushIntervalMs;
    return { startOffset, leaderEpoch: void 0, chunks: [], rows: 0, valueBytes: 0, openedMs, dueMs };
  }
};

export {
  BACKLOG_INTERVALS,
  Batcher
};
//# sourceMappingURL=chunk-XSRZ6ILZ.js.map
