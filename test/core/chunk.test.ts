import { describe, expect, it } from 'vitest';
import { bit, Chunk, ChunkPool, ChunkViews } from '../../src/core/chunk.js';
import { fillChunk, messagesOf } from '../support/chunks.js';

describe('Chunk', () => {
  it('appends the messages of another chunk, nulls and empties apart', () => {
    const messages = [
      { offset: 5, timestamp: 1000, key: 'a', value: 'first' },
      { offset: 7, timestamp: -1, key: null, value: null },
      { offset: 8, timestamp: 1001, key: '', value: '' },
    ];
    const more = Array.from({ length: 20 }, (_, i) => ({
      offset: 9 + i,
      timestamp: i,
      key: `k${i}`,
      value: `v${i}`.repeat(i),
    }));
    const chunk = fillChunk(new Chunk(), messages);
    chunk.append(fillChunk(new Chunk(), more));
    expect(messagesOf(chunk)).toEqual([...messages, ...more]);
  });

  it('truncates at an offset', () => {
    const chunk = fillChunk(
      new Chunk(),
      [3, 4, 9, 12].map((offset) => ({ offset, timestamp: 0, key: 'k', value: `v${offset}` })),
    );
    chunk.truncate(9);
    expect(messagesOf(chunk).map(({ offset }) => offset)).toEqual([3, 4]);
    expect([chunk.valueBytes, chunk.keyBytes]).toEqual([4, 2]);
    chunk.truncate(0);
    expect([chunk.rows, chunk.valueBytes]).toEqual([0, 0]);
  });

  it('shows the same messages through a handle on another thread', () => {
    const chunk = fillChunk(new Chunk(), [{ offset: 2 ** 40, timestamp: 5, key: null, value: 'x' }]);
    const views = ChunkViews.of(structuredClone(chunk.handle()));
    expect(views.offsets[0]).toBe(2n ** 40n);
    expect(bit(views.keyValidity, 0)).toBe(false);
    expect(Buffer.from(views.values.subarray(0, 1)).toString()).toBe('x');
  });

  it('refuses rows beyond its limit', () => {
    const chunk = new Chunk(2);
    expect(chunk.hasRoomFor(2, 0, 0)).toBe(true);
    expect(chunk.hasRoomFor(3, 0, 0)).toBe(false);
  });
});

describe('ChunkPool', () => {
  const MIB = 1 << 20;

  it('lends no more than its bytes, and the same chunks again', () => {
    const pool = new ChunkPool(3 * MIB);
    const chunks = [pool.acquire(), pool.acquire(), pool.acquire()];
    expect(chunks.every((chunk) => chunk?.byteLength === MIB)).toBe(true);
    expect(pool.acquire()).toBeUndefined();
    chunks[1]!.rows = 5;
    pool.release(chunks[1]!);
    const again = pool.acquire();
    expect(again).toBe(chunks[1]);
    expect(again!.rows).toBe(0);
    expect(pool.chunksInUse).toBe(3);
  });

  it('trades free chunks for one large message', () => {
    const pool = new ChunkPool(4 * MIB);
    const small = [pool.acquire()!, pool.acquire()!, pool.acquire()!];
    expect(pool.acquire(2 * MIB)).toBeUndefined();
    for (const chunk of small.slice(1)) pool.release(chunk);
    const large = pool.acquire(2 * MIB);
    expect(large!.valueCapacity).toBeGreaterThanOrEqual(2 * MIB);
    pool.release(large!);
    expect([pool.acquire(), pool.acquire(), pool.acquire()].every((chunk) => chunk !== undefined)).toBe(true);
  });

  it('lets a message larger than the whole bound through, alone', () => {
    const pool = new ChunkPool(4 * MIB);
    const other = pool.acquire()!;
    expect(pool.acquire(8 * MIB)).toBeUndefined();
    pool.release(other);
    expect(pool.acquire(8 * MIB)!.valueCapacity).toBeGreaterThanOrEqual(8 * MIB);
    expect(pool.acquire()).toBeUndefined();
  });

  describe('joins short runs', () => {
    const run = (pool: ChunkPool, offset: number, rows: number, bytes = 100) =>
      fillChunk(
        pool.acquire()!,
        Array.from({ length: rows }, (_, i) => ({
          offset: offset + i,
          timestamp: i,
          key: `${i}`,
          value: 'x'.repeat(bytes),
        })),
      );

    it('in the smallest size that holds them, message by message', () => {
      const pool = new ChunkPool(4 * MIB);
      const joined = pool.join([run(pool, 0, 3), run(pool, 3, 2)])!;
      expect(joined.byteLength).toBe(MIB / 16);
      expect(messagesOf(joined).map(({ offset, key }) => [offset, key])).toEqual([
        [0, '0'],
        [1, '1'],
        [2, '2'],
        [3, '0'],
        [4, '1'],
      ]);
      expect(pool.chunksInUse).toBe(1);
      const grown = pool.join([joined, run(pool, 5, 300)])!;
      expect(grown.byteLength).toBe(MIB / 4);
      expect(messagesOf(grown)).toHaveLength(305);
      expect(pool.join([grown, run(pool, 305, 1000)])!.byteLength).toBe(MIB);
      expect(pool.chunksInUse).toBe(1);
    });

    it('unless that frees no memory, none is left, or a chunk would hold more than a batch', () => {
      const pool = new ChunkPool(2 * MIB, 1500);
      const [one, other] = [run(pool, 0, 1000), run(pool, 1000, 1000)];
      expect(pool.join([one])).toBeUndefined();
      expect(pool.join([one, other])).toBeUndefined();
      other.truncate(1010);
      expect(pool.join([other])).toBeUndefined();
      expect([one.rows, other.rows, pool.chunksInUse]).toEqual([1000, 10, 2]);
    });

    it('within its bytes, giving up free chunks of another size', () => {
      const pool = new ChunkPool(2 * MIB);
      const small = Array.from({ length: 16 }, (_, i) => pool.join([run(pool, i, 1)])!);
      expect(new Set(small).size).toBe(16);
      const usual = pool.acquire()!;
      expect(pool.acquire()).toBeUndefined();
      for (const chunk of small) pool.release(chunk);
      expect(pool.acquire()).toBeDefined();
      pool.release(usual);
      expect(pool.chunksInUse).toBe(1);
    });
  });
});
