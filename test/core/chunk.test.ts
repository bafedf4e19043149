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
});
