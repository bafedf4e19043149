import { beforeEach, describe, expect, it } from 'vitest';
import { type Chunk, ChunkPool } from '../../src/core/chunk.js';
import { Batcher } from '../../src/pipeline/batcher.js';
import { fillChunk } from '../support/chunks.js';

const MIB = 1 << 20;
const NO_LAG = () => 0;
let pool: ChunkPool;
let batcher: Batcher;

beforeEach(() => {
  pool = new ChunkPool(64 * MIB, 100);
  batcher = new Batcher({ batchRows: 100, batchBytes: 2 * MIB, flushIntervalMs: 250 }, pool);
  batcher.reset([
    { partition: 0, nextOffset: 1000, leaderEpoch: undefined },
    { partition: 1, nextOffset: 5, leaderEpoch: undefined },
  ]);
});

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

const ranges = (batches: { partition: number; startOffset: number; nextOffset: number; rows: number }[]) =>
  batches.map(({ partition, startOffset, nextOffset, rows }) => [partition, startOffset, nextOffset, rows]);

describe('Batcher', () => {
  it('closes at BATCH_ROWS, never above', () => {
    add(0, 1000, 60);
    add(0, 1060, 60);
    add(0, 1120, 40);
    expect(ranges(batcher.drainClosed(0, NO_LAG))).toEqual([
      [0, 1000, 1060, 60],
      [0, 1060, 1160, 100],
    ]);
  });

  it('closes at BATCH_BYTES, and lets one larger message through alone', () => {
    add(0, 1000, 1, 1.5 * MIB);
    add(0, 1001, 1, 1.5 * MIB);
    add(0, 1002, 1, 3 * MIB);
    expect(ranges(batcher.drainClosed(0, NO_LAG))).toEqual([
      [0, 1000, 1001, 1],
      [0, 1001, 1002, 1],
      [0, 1002, 1003, 1],
    ]);
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
    expect(batcher.drainClosed(1249, NO_LAG)).toEqual([]);
    expect(ranges(batcher.drainClosed(1250, (partition) => partition * 99))).toEqual([[0, 1000, 1001, 1]]);
    expect(batcher.drainClosed(1251, NO_LAG)).toEqual([]);
    add(0, 1001, 1, 10, 1300);
    expect(ranges(batcher.drainClosed(1450, NO_LAG))).toEqual([
      [1, 5, 6, 1],
      [0, 1001, 1002, 1],
    ]);
  });

  it('holds a due batch open while the log can fill it, but not for ever', () => {
    add(0, 1000, 1);
    expect(batcher.drainClosed(300, () => 99)).toEqual([]);
    expect(ranges(batcher.drainClosed(2000, () => 99))).toEqual([[0, 1000, 1001, 1]]);
    add(0, 1001, 1);
    expect(ranges(batcher.drainClosed(300, () => 98))).toEqual([[0, 1001, 1002, 1]]);
  });

  it('gives idle workers what is worth a file', () => {
    add(0, 1000, 12);
    add(1, 5, 13);
    expect(ranges(batcher.drainClosed(1, NO_LAG, true))).toEqual([[1, 5, 18, 13]]);
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

  it('forgets open and closed batches on reset and gives their chunks back', () => {
    add(0, 1000, 100);
    add(0, 1100, 10);
    add(1, 5, 1);
    batcher.reset([{ partition: 0, nextOffset: 1000, leaderEpoch: undefined }]);
    expect(pool.chunksInUse).toBe(0);
    expect(batcher.drainAll()).toEqual([]);
    expect(batcher.nextOffset(0)).toBe(1000);
    expect(batcher.nextOffset(1)).toBeUndefined();
  });

  it('refuses messages of a partition that is not assigned, or that come out of order', () => {
    expect(() => add(2, 0, 1)).toThrow(/partition 2 is assigned/);
    add(0, 1000, 5);
    expect(() => add(0, 1003, 1)).toThrow(/offset order/);
  });
});
