import { describe, expect, it } from 'vitest';
import { BATCH_STAT_LIST, combineStats, kernelStats, NO_STATS } from '../../src/core/batch-stats.js';

const stats = (more: Partial<typeof NO_STATS>) => ({ ...NO_STATS, ...more });

describe('combineStats', () => {
  it('sums counters, and takes the extremes of what has any', () => {
    const combined = combineStats([
      stats({ ok: 3, kernelSeconds: 0.5, maxEventTime: 7n, minChangeSeq: 5n, maxChangeSeq: 6n }),
      stats({ messages: 1 }),
      stats({ ok: 4, kernelSeconds: 0.25, maxEventTime: 2n, minChangeSeq: 0n, maxChangeSeq: 9n }),
    ]);
    expect(combined).toEqual(
      stats({ messages: 1, ok: 7, kernelSeconds: 0.75, maxEventTime: 7n, minChangeSeq: 0n, maxChangeSeq: 9n }),
    );
  });

  it('is nothing of nothing', () => {
    expect(NO_STATS).toMatchObject({ ok: 0, minChangeSeq: undefined, maxEventTime: undefined });
    expect(Object.keys(NO_STATS)).toEqual(BATCH_STAT_LIST.map(([name]) => name));
  });
});

describe('kernelStats', () => {
  it('takes what the kernel counts, and nothing that others count', () => {
    const counted = kernelStats(stats({ rowsLate: 2, ok: 1, merged: 5, fileBytes: 6 }));
    expect(counted).toMatchObject({ rowsLate: 2, ok: 1 });
    expect(Object.keys(counted)).not.toContain('merged');
    expect(Object.keys(counted)).not.toContain('fileBytes');
  });
});

it('no two counters have the same column, key, or name in the summary', () => {
  for (const name of ['ledger', 'metadata', 'summary', 'metric'] as const) {
    const used = BATCH_STAT_LIST.flatMap(([, stat]) => (stat[name] === undefined ? [] : [JSON.stringify(stat[name])]));
    expect(new Set(used).size).toBe(used.length);
  }
});
