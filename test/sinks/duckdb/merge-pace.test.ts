import { describe, expect, it } from 'vitest';
import { MergePace, MergeSize } from '../../../src/sinks/duckdb/merge-pace.js';

describe('when the state is merged', () => {
  /** Commits so many milliseconds apart, from 0 on. @returns the time of the last one */
  const commits = (pace: MergePace, intervalMs: number, count: number) => {
    for (let n = 1; n <= count; n++) pace.committed(n * intervalMs, n);
    return count * intervalMs;
  };

  it('is a pause of commits, which is longer than the time between them', () => {
    const quick = new MergePace(0);
    const quickMs = commits(quick, 50, 20);
    expect([299, 300].map((ms) => quick.isDue(quickMs + ms, 1, false))).toEqual([false, true]);
    expect(quick.isDue(quickMs + 300, 0, false)).toBe(false);
    const slow = new MergePace(0);
    const slowMs = commits(slow, 800, 20);
    slow.merged(slowMs, slowMs, 1);
    expect([1599, 1600].map((ms) => slow.isDue(slowMs + ms, 1, false))).toEqual([false, true]);
    // One that came soon after the one before it changes little.
    slow.committed(slowMs + 100, 1);
    expect([1379, 1380].map((ms) => slow.isDue(slowMs + ms, 1, false))).toEqual([false, true]);
  });

  it('is a bounded wait if commits are far apart', () => {
    const pace = new MergePace(0);
    commits(pace, 60_000, 2);
    pace.merged(110_000, 120_000, 1);
    expect([129_999, 130_000].map((ms) => pace.isDue(ms, 1, false))).toEqual([false, true]);
  });

  it('is now and then while commits go on, for a tenth of the time, and for half of it if the tail is long', () => {
    const pace = new MergePace(0);
    pace.committed(1000, 0);
    pace.committed(2900, 1);
    expect([1, 200_000].map((rows) => pace.isDue(2999, rows, false))).toEqual([false, true]);
    expect(pace.isDue(3000, 1, false)).toBe(true);
    pace.merged(3000, 3100, 200_000);
    pace.committed(3990, 200_000);
    expect([3999, 4000].map((ms) => pace.isDue(ms, 200_000, false))).toEqual([false, true]);
    pace.merged(4000, 4100, 20_000_001);
    pace.committed(4190, 20_000_001);
    expect([4199, 4200].map((ms) => pace.isDue(ms, 20_000_001, false))).toEqual([false, true]);
  });

  it('is not at once again after a failure', () => {
    const pace = new MergePace(0);
    pace.merged(1000, 1200, 1);
    expect([false, true].map((hasFailed) => pace.isDue(1300, 1, hasFailed))).toEqual([true, false]);
    expect(pace.isDue(3000, 1, true)).toBe(true);
  });
});

it('a transaction of the state has fewer rows for want of memory, and more again when many went well', () => {
  const size = new MergeSize();
  for (let n = 0; n < 3; n++) size.shrink();
  expect(size.rows).toBe(125_000);
  for (let n = 0; n < 9; n++) size.wasFilled();
  expect(size.rows).toBe(125_000);
  size.wasFilled();
  expect(size.rows).toBe(250_000);
  for (let n = 0; n < 40; n++) size.wasFilled();
  expect(size.rows).toBe(1_000_000);
  for (let n = 0; n < 20; n++) size.shrink();
  expect([size.rows, size.canShrink]).toEqual([10_000, false]);
});
