import { describe, expect, it } from 'vitest';
import { isLong, MergePace, MergeSize } from '../../../src/sinks/duckdb/merge-pace.js';

describe('when the state is merged', () => {
  /** Commits so many milliseconds apart, from 0 on. @returns the time of the last one */
  const commits = (pace: MergePace, intervalMs: number, count: number) => {
    for (let n = 1; n <= count; n++) pace.committed(n * intervalMs, 1, n);
    return count * intervalMs;
  };
  const isDue = (pace: MergePace, nowMs: number, tail: number, hasFailed = false) =>
    pace.isDue(nowMs, { tail, state: 0 }, hasFailed);

  it('is a pause of commits, which is longer than the time between them', () => {
    const quick = new MergePace(0);
    const quickMs = commits(quick, 50, 20);
    expect([299, 300].map((ms) => isDue(quick, quickMs + ms, 1))).toEqual([false, true]);
    expect(isDue(quick, quickMs + 300, 0)).toBe(false);
    const slow = new MergePace(0);
    const slowMs = commits(slow, 800, 20);
    slow.merged(slowMs, slowMs);
    expect([1599, 1600].map((ms) => isDue(slow, slowMs + ms, 1))).toEqual([false, true]);
    // One that came soon after the one before it changes little.
    slow.committed(slowMs + 100, 1, 1);
    expect([1379, 1380].map((ms) => isDue(slow, slowMs + ms, 1))).toEqual([false, true]);
  });

  it('is a bounded wait if commits are far apart', () => {
    const pace = new MergePace(0);
    commits(pace, 60_000, 2);
    pace.merged(110_000, 120_000);
    expect([129_999, 130_000].map((ms) => isDue(pace, ms, 1))).toEqual([false, true]);
  });

  it('is now and then while commits go on, for a tenth of the time', () => {
    const pace = new MergePace(0);
    pace.committed(1000, 1, 0);
    pace.committed(2900, 1, 1);
    expect([99_999, 100_000].map((rows) => isDue(pace, 2999, rows))).toEqual([false, true]);
    expect(isDue(pace, 3000, 1)).toBe(true);
    pace.merged(3000, 3100);
    pace.committed(3990, 1, 100_000);
    expect([3999, 4000].map((ms) => isDue(pace, ms, 100_000))).toEqual([false, true]);
    // After a long one the tail would get too long.
    pace.merged(4000, 6000);
    pace.committed(15_990, 1, 100_000);
    expect([15_999, 16_000].map((ms) => isDue(pace, ms, 100_000))).toEqual([false, true]);
  });

  it('waits while a backlog is read for a tail that is long for the state', () => {
    const pace = new MergePace(0);
    pace.committed(1000, 100_000, 0);
    pace.committed(9000, 100_000, 100_000);
    const isDueAt = (tail: number, state: number) => pace.isDue(9001, { tail, state }, false);
    expect([1_999_999, 2_000_000].map((tail) => isDueAt(tail, 7))).toEqual([false, true]);
    expect([9_999_999, 10_000_000].map((tail) => isDueAt(tail, 500_000))).toEqual([false, true]);
    expect([19_999_999, 20_000_000].map((tail) => isDueAt(tail, 50_000_000))).toEqual([false, true]);
    pace.committed(9002, 99_999, 200_000);
    expect(isDueAt(299_999, 500_000)).toBe(true);
  });

  it('is not at once again after a failure', () => {
    const pace = new MergePace(0);
    pace.merged(1000, 1200);
    expect([false, true].map((hasFailed) => isDue(pace, 1300, 1, hasFailed))).toEqual([true, false]);
    expect(isDue(pace, 3000, 1, true)).toBe(true);
  });
});

it('a tail is long if it is much of the change log', () => {
  expect([999_999, 1_000_000].map((tail) => isLong(tail, 1_000_000))).toEqual([false, true]);
  expect([1_999_999, 2_000_000].map((tail) => isLong(tail, 10_000_000))).toEqual([false, true]);
});

it('a transaction of the state has fewer rows for want of memory, and more again when many went well', () => {
  const size = new MergeSize();
  for (let n = 0; n < 3; n++) size.shrink();
  expect(size.rows).toBe(312_500);
  for (let n = 0; n < 9; n++) size.wasFilled();
  expect(size.rows).toBe(312_500);
  size.wasFilled();
  expect(size.rows).toBe(625_000);
  for (let n = 0; n < 60; n++) size.wasFilled();
  expect(size.rows).toBe(20_000_000);
  for (let n = 0; n < 20; n++) size.shrink();
  expect([size.rows, size.canShrink]).toEqual([10_000, false]);
});
