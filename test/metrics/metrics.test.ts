import { describe, expect, it } from 'vitest';
import { BATCH_STAT_LIST, NO_STATS } from '../../src/core/batch-stats.js';
import { Metrics } from '../../src/metrics/metrics.js';

describe('Metrics', () => {
  it('shows each counter of a batch that has a metric, by its name and label', async () => {
    const metrics = new Metrics();
    const numbers = BATCH_STAT_LIST.map(([name], index) => [name, index + 1] as const);
    metrics.committed({
      positions: [],
      stats: { ...NO_STATS, ...Object.fromEntries(numbers) },
      commitSeconds: 0.5,
    });
    const text = await metrics.registry.metrics();
    for (const [index, [name, { metric }]] of BATCH_STAT_LIST.entries()) {
      if (metric === undefined) continue;
      const labels = Object.entries(metric.labels ?? {}).map(([label, value]) => `${label}="${value}"`);
      const shown = `${metric.name}${labels.length > 0 ? `{${labels.join()}}` : ''}`;
      const value = index + 1 + (name === 'stageSeconds' ? 0.5 : 0);
      expect(text.split('\n')).toContain(`${shown} ${value}`);
    }
    expect(text.split('\n')).toContain('sluice_commits_total 1');
  });
});
