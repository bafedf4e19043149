import { describe, expect, it } from 'vitest';
import { Chunk } from '../../src/core/chunk.js';
import { MessageTimes } from '../../src/pipeline/message-times.js';
import { fillChunk } from '../support/chunks.js';

/** Chunks of messages with these timestamps. */
const chunks = (...times: readonly number[][]) =>
  times.map((of) =>
    fillChunk(
      new Chunk(),
      of.map((timestamp, offset) => ({ offset, timestamp, key: null, value: 'x' })),
    ),
  );

describe('the times of messages', () => {
  it('are those of the first and the last of each batch, until it is committed', () => {
    const times = new MessageTimes();
    times.add(0, 3, chunks([100, 150], [200]));
    times.add(3, 5, chunks([400, 300]));
    expect(times.waitingSinceMs([])).toBe(100);
    expect(times.committed(3)).toEqual([{ startOffset: 0, nextOffset: 3, rows: 3, oldestMs: 100, newestMs: 200 }]);
    expect(times.waitingSinceMs([])).toBe(300);
    expect(times.committed(4)).toEqual([]);
    expect(times.committed(5)).toMatchObject([{ rows: 2, oldestMs: 300, newestMs: 400 }]);
  });

  it('of an open batch count as long as nothing before it waits; without any, those of what was committed last', () => {
    const times = new MessageTimes();
    expect(times.waitingSinceMs([])).toBeUndefined();
    expect(times.waitingSinceMs(chunks([500]))).toBe(500);
    for (const none of [-1, 1.7e18]) expect(times.waitingSinceMs(chunks([none]))).toBeUndefined();
    times.add(0, 1, chunks([100]));
    expect(times.waitingSinceMs(chunks([500]))).toBe(100);
    times.committed(1);
    expect(times.waitingSinceMs(chunks([500]))).toBe(500);
    expect(times.waitingSinceMs([])).toBe(100);
  });

  it('are replaced by those of a batch that is read again', () => {
    const times = new MessageTimes();
    times.add(0, 3, chunks([100, 110, 120]));
    times.add(3, 5, chunks([130, 140]));
    times.add(0, 4, chunks([100, 110, 120, 130]));
    expect(times.committed(4).map(({ rows }) => rows)).toEqual([4]);
    expect(times.committed(5)).toEqual([]);
  });

  it('are left out if messages have none', () => {
    const times = new MessageTimes();
    times.add(0, 1, chunks([-1]));
    times.add(1, 2, []);
    expect(times.committed(2)).toEqual([]);
    expect(times.waitingSinceMs(chunks([-1]))).toBeUndefined();
  });
});
