import { expect, it } from 'vitest';
import { BATCH_STAT_LIST, NO_STATS } from '../../src/core/batch-stats.js';
import { countCommit, newTotals } from '../../src/pipeline/totals.js';

it('adds up what transactions did, for the summary of a run', () => {
  const totals = newTotals();
  expect(totals).toMatchObject({ events: 0, bytes: 0, commits: 0, lostOffsets: 0, merged: 0, quarantined: 0 });
  const stats = { ...NO_STATS, merged: 5, quarantined: 2, batches: 3 };
  countCommit(totals, { positions: [], stats, commitSeconds: 1 });
  countCommit(totals, { positions: [], stats: { ...stats, merged: 4 }, commitSeconds: 1 });
  expect(totals).toMatchObject({ events: 0, commits: 2, merged: 9, quarantined: 4 });
  const summary = BATCH_STAT_LIST.flatMap(([, stat]) => stat.summary ?? []);
  expect(Object.keys(totals).sort()).toEqual(['events', 'bytes', 'commits', 'lostOffsets', ...summary].sort());
  expect(Object.values(totals).every(Number.isFinite)).toBe(true);
});
