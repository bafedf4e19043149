import { beforeEach, describe, expect, it } from 'vitest';
import { type Chunk, ChunkPool } from '../../src/core/chunk.js';
import { Batcher, type ClosedBatch } from '../../src/pipeline/batcher.js';
import { Partitions } from '../../src/pipeline/partition.js';
import { fillChunk } from '../support/chunks.js';

const MIB = 1 << 20;
let pool: ChunkPool;
let batcher: Batcher;
/** Messages in the log after what was read, by partition. */
let lags: number[];
let partitions: Partitions;

beforeEach(() => {
  pool = new ChunkPool(64 * MIB, 100);
  lags = [0, 0];
  partitions = new Partitions({ lag: (partition) => lags[partition] });
  batcher = new Batcher({ batchRows: 100, batchBytes: 2 * MIB, flushIntervalMs: 250 }, pool, partitions);
  read(0, 1000);
  read(1, 5);
});

/** Has a partition be read from there. */
function read(partition: number, nextOffset: number): void {
  partitions.note([{ partition, nextOffset, leaderEpoch: undefined, watermark: undefined }]);
  partitions.get(partition).nextOffset = nextOffset;
}

/** Adds `rows` messages of `bytes` bytes each from `offset` on. */
function add(partition: number, offset: number, rows: number, bytes = 10, nowMs = 0, leaderEpoch?: number): Chunk {
  const chunk = pool.acquire(rows * bytes)!;
  const messages = Array.from({ length: rows }, (_, i) => ({
    offset: offset + i,
    timestamp: 0,
    key: null,
    value: 'x'.repeat(bytes),
  }));
  batcher.add({ partition, nextOffset: offset + rows, leaderEpoch }, fillChunk(chunk, messages), nowMs);
  return chunk;
}

const ranges = (batches: readonly ClosedBatch[]) =>
  batches.map(({ partition, startOffset, nextOffset, rows }) => [partition.number, startOffset, nextOffset, rows]);

describe('Batcher', () => {
  it('closes at BATCH_ROWS, never above', () => {
    add(0, 1000, 60);
    add(0, 1060, 60);
    add(0, 1120, 40);
    expect(ranges(batcher.drainClosed(0, 9))).toEqual([
      [0, 1000, 1060, 60],
      [0, 1060, 1160, 100],
    ]);
  });

  it('closes at BATCH_BYTES, and lets one larger message through alone', () => {
    add(0, 1000, 1, 1.5 * MIB);
    add(0, 1001, 1, 1.5 * MIB);
    add(0, 1002, 1, 3 * MIB);
    expect(ranges(batcher.drainClosed(0, 9))).toEqual([
      [0, 1000, 1001, 1],
      [0, 1001, 1002, 1],
      [0, 1002, 1003, 1],
    ]);
  });

  it('fills a batch up to BATCH_BYTES, and then closes it', () => {
    add(0, 1000, 1, MIB);
    expect(batcher.drainClosed(0, 9)).toEqual([]);
    add(0, 1001, 1, MIB);
    expect(ranges(batcher.drainClosed(0, 9))).toEqual([[0, 1000, 1002, 2]]);
  });

  it('gives a large message the offsets before it that hold none', () => {
    batcher.eof(0, 1010, 0);
    add(0, 1010, 1, 3 * MIB);
    expect(ranges(batcher.drainAll())).toEqual([[0, 1000, 1011, 1]]);
  });

  it('keeps ranges contiguous over gaps in the offsets', () => {
    add(0, 1010, 5);
    expect(ranges(batcher.drainAll())).toEqual([[0, 1000, 1015, 5]]);
    add(0, 1020, 1);
    batcher.eof(0, 1025, 0);
    expect(ranges(batcher.drainAll())).toEqual([[0, 1015, 1025, 1]]);
    batcher.eof(0, 1025, 0);
    batcher.eof(0, 1024, 0);
    expect(batcher.drainAll()).toEqual([]);
    batcher.eof(0, 1030, 0);
    expect(ranges(batcher.drainAll())).toEqual([[0, 1025, 1030, 0]]);
  });

  it('closes a partial batch when its interval is over, and not before; the others go with it', () => {
    add(0, 1000, 1, 10, 1000);
    add(1, 5, 1, 10, 1200);
    expect(batcher.msToNextFlush(1200, 500)).toBe(50);
    expect(batcher.drainClosed(1249, 9)).toEqual([]);
    lags = [0, 99];
    expect(ranges(batcher.drainClosed(1250, 9))).toEqual([[0, 1000, 1001, 1]]);
    expect(batcher.drainClosed(1251, 9)).toEqual([]);
    lags = [0, 0];
    add(0, 1001, 1, 10, 1300);
    expect(ranges(batcher.drainClosed(1450, 9))).toEqual([
      [1, 5, 6, 1],
      [0, 1001, 1002, 1],
    ]);
  });

  it('holds a due batch open while the one before it waits', () => {
    const partition = partitions.get(0);
    const before = { partition, dueMs: 0, rows: 1, bytes: 1, wait: undefined, isWaiting: true, result: undefined };
    partition.inFlight.push(before);
    add(0, 1000, 1);
    expect(batcher.msToNextFlush(1000, 500)).toBe(500);
    expect(batcher.drainClosed(10_000, 9)).toEqual([]);
    before.isWaiting = false;
    expect(batcher.msToNextFlush(1000, 500)).toBe(0);
    expect(ranges(batcher.drainClosed(10_000, 9))).toEqual([[0, 1000, 1001, 1]]);
  });

  it('holds a due batch open while the log can fill it, but not for ever', () => {
    lags = [99, 0];
    add(0, 1000, 1);
    expect(batcher.drainClosed(300, 9)).toEqual([]);
    expect(ranges(batcher.drainClosed(2000, 9))).toEqual([[0, 1000, 1001, 1]]);
    lags = [98, 0];
    add(0, 1001, 1);
    expect(ranges(batcher.drainClosed(300, 9))).toEqual([[0, 1001, 1002, 1]]);
  });

  it('closes the oldest of those that are due, and the rest take messages until there is a worker for them', () => {
    read(2, 0);
    lags = [0, 0, 0];
    add(0, 1000, 1, 10, 30);
    add(1, 5, 1, 10, 10);
    add(2, 0, 1, 10, 20);
    expect(ranges(batcher.drainClosed(1000, 1))).toEqual([[1, 5, 6, 1]]);
    add(0, 1001, 1, 10, 1000);
    expect(batcher.drainClosed(1001, 0)).toEqual([]);
    expect(ranges(batcher.drainClosed(1001, 9))).toEqual([
      [2, 0, 1, 1],
      [0, 1000, 1002, 2],
    ]);
  });

  it('counts those that are full among the limit, and closes them whatever it is', () => {
    add(0, 1000, 100);
    add(1, 5, 1);
    expect(ranges(batcher.drainClosed(1000, 0))).toEqual([[0, 1000, 1100, 100]]);
    add(0, 1100, 100);
    expect(ranges(batcher.drainClosed(1000, 1))).toEqual([[0, 1100, 1200, 100]]);
  });

  it('closes those that hold the most memory first', () => {
    read(2, 0);
    add(0, 1000, 1);
    add(1, 5, 1, MIB);
    add(2, 0, 90, 2000);
    expect(ranges(batcher.drainLargest(1))).toEqual([[1, 5, 6, 1]]);
    expect(ranges(batcher.drainLargest(1))).toEqual([[2, 0, 90, 90]]);
    expect(ranges(batcher.drainLargest(1))).toEqual([[0, 1000, 1001, 1]]);
  });

  it('gives idle workers what is worth a file', () => {
    add(0, 1000, 12);
    add(1, 5, 13);
    expect(batcher.drainClosed(1, 9)).toEqual([]);
    expect(ranges(batcher.drainClosed(1, 9, true))).toEqual([[1, 5, 18, 13]]);
  });

  it('gives idle workers an eighth of BATCH_ROWS', () => {
    batcher = new Batcher({ batchRows: 80, batchBytes: 2 * MIB, flushIntervalMs: 250 }, pool, partitions);
    add(0, 1000, 9);
    add(1, 5, 10);
    expect(ranges(batcher.drainClosed(1, 9, true))).toEqual([[1, 5, 15, 10]]);
  });

  it('says since when a batch was due, or closed if that was earlier', () => {
    add(0, 1000, 1);
    add(1, 5, 50);
    expect(batcher.drainClosed(100, 9, true).map(({ dueMs }) => dueMs)).toEqual([100]);
    expect(batcher.drainClosed(1000, 9).map(({ dueMs }) => dueMs)).toEqual([250]);
  });

  it('carries the leader epoch of the last message of a batch, also past its end', () => {
    add(0, 1000, 60, 10, 0, 3);
    add(0, 1060, 60, 10, 0, 4);
    batcher.eof(0, 1130, 0);
    batcher.eof(1, 9, 0);
    expect(batcher.drainAll().map(({ nextOffset, leaderEpoch }) => [nextOffset, leaderEpoch])).toEqual([
      [1060, 3],
      [1130, 4],
      [9, undefined],
    ]);
  });

  it('copies short runs together, so that a trickle does not pin a chunk per message', () => {
    for (let offset = 1000; offset < 1020; offset++) add(0, offset, 1);
    expect(pool.chunksInUse).toBe(1);
    const [batch] = batcher.drainAll();
    expect(batch.chunks).toHaveLength(1);
    expect(batch.rows).toBe(20);
    expect(batch.chunks[0].rows).toBe(20);
  });

  describe('of a long and a short run', () => {
    const chunks = () => partitions.get(0).openBatch!.chunks;
    beforeEach(() => {
      pool = new ChunkPool(64 * MIB);
      batcher = new Batcher({ batchRows: 10_000, batchBytes: 2 * MIB, flushIntervalMs: 250 }, pool, partitions);
      add(0, 1000, 1);
    });

    it('appends a short one to a chunk that has room for it', () => {
      const [kept] = chunks();
      add(0, 1001, 1);
      expect(chunks()).toHaveLength(1);
      expect(chunks()[0]).toBe(kept);
    });

    it('copies rows that fill less than half of a chunk', () => {
      add(0, 1001, 2047);
      expect(chunks().map(({ rows }) => rows)).toEqual([2048]);
      const long = add(0, 3048, 2048);
      expect(chunks()).toHaveLength(2);
      expect(chunks()[1]).toBe(long);
    });

    it.each([
      [1, [2]],
      [0, [1, 1]],
    ])('copies bytes that fill %d less than half of a chunk: the chunks then have %j rows', (less, rows) => {
      const half = pool.acquire()!.valueCapacity / 2;
      add(0, 1001, 1, half - less);
      expect(chunks().map((chunk) => chunk.rows)).toEqual(rows);
    });
  });

  it('keeps what a thousand partitions trickle in a fraction of the memory that the messages came in', () => {
    const lag = () => 0;
    partitions = new Partitions({ lag });
    batcher = new Batcher({ batchRows: 100, batchBytes: 2 * MIB, flushIntervalMs: 250 }, pool, partitions);
    for (let partition = 0; partition < 1000; partition++) read(partition, 0);
    for (let partition = 0; partition < 1000; partition++) add(partition, 0, 2, 300);
    for (let partition = 0; partition < 1000; partition++) add(partition, 2, 1, 300);
    expect(pool.chunksInUse).toBe(1000);
    const batches = batcher.drainAll();
    expect(ranges(batches)).toEqual(Array.from({ length: 1000 }, (_, partition) => [partition, 0, 3, 3]));
    expect(batches[7].chunks[0].views.offsets.slice(0, 3)).toEqual(BigInt64Array.of(0n, 1n, 2n));
  });

  it('keeps a short run as it came if there is no memory to copy it to', () => {
    pool = new ChunkPool(2 * MIB, 100);
    batcher = new Batcher({ batchRows: 100, batchBytes: 2 * MIB, flushIntervalMs: 250 }, pool, partitions);
    const other = pool.acquire()!;
    const chunk = add(0, 1000, 1);
    pool.release(other);
    expect(batcher.drainAll()[0].chunks).toEqual([chunk]);
  });

  it('forgets open and closed batches that were not drained, and releases their chunks', () => {
    add(0, 1000, 100);
    add(0, 1100, 10);
    add(1, 5, 1);
    batcher.discard([0, 1]);
    expect(pool.chunksInUse).toBe(0);
    expect(batcher.drainAll()).toEqual([]);
  });

  it('keeps those of other partitions when it forgets some', () => {
    for (const [partition, offset] of [
      [0, 1000],
      [1, 5],
    ]) {
      add(partition, offset, 100);
      add(partition, offset + 100, 10);
    }
    batcher.discard([0, 7]);
    expect(ranges(batcher.drainAll())).toEqual([
      [1, 5, 105, 100],
      [1, 105, 115, 10],
    ]);
  });

  it('refuses messages of a partition that is not assigned, or that come out of order', () => {
    expect(() => add(2, 0, 1)).toThrow(/partition 2 is assigned/);
    partitions.get(1).nextOffset = undefined;
    expect(() => add(1, 5, 1)).toThrow(/partition 1 is assigned/);
    add(0, 1000, 5);
    for (const offset of [1003, 1004]) expect(() => add(0, offset, 1)).toThrow(/offset order/);
    expect(() => add(0, 1010, 0)).toThrow(/offset order/);
    batcher.eof(1, 9, 0);
    expect(partitions.get(1).openBatch).toBeUndefined();
  });
});
