import { expect, it } from 'vitest';
import { NO_STATS } from '../../src/core/batch-stats.js';
import { countCommit, newTotals } from '../../src/pipeline/totals.js';

it('adds up what transactions did, for the summary of a run', () => {
  const totals = newTotals();
  expect(totals).toMatchObject({ events: 0, bytes: 0, commits: 0, lostOffsets: 0, merged: 0, quarantined: 0 });
  const stats = { ...NO_STATS, merged: 5, quarantined: 2, batches: 3, kernelSeconds: 1 };
  countCommit(totals, { positions: [], stats, commitSeconds: 1 });
  countCommit(totals, { positions: [], stats: { ...stats, merged: 4 }, commitSeconds: 1 });
  expect(totals).toMatchObject({ events: 0, commits: 2, merged: 9, quarantined: 4 });
  expect(totals).not.toHaveProperty('kernelSeconds');
  expect(Object.values(totals).every(Number.isFinite)).toBe(true);
});
