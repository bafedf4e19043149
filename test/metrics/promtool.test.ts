/** What Prometheus itself says of names, units and help of the metrics. */
import { describe, expect, it } from 'vitest';
import { CaptureMetrics } from '../../src/capture/metrics.js';
import { combineStats, NO_STATS } from '../../src/core/batch-stats.js';
import { Metrics } from '../../src/metrics/metrics.js';
import { promtool, whyNoPrometheus } from '../support/prometheus.js';

const check = (text: string) => promtool(['check', 'metrics'], text);

describe.skipIf(whyNoPrometheus() !== undefined)('promtool check metrics', () => {
  it('has nothing to say about the metrics of a run', async () => {
    const metrics = new Metrics();
    metrics.committed({ positions: [], stats: combineStats([NO_STATS]), commitSeconds: 1 });
    metrics.latency.observe(10, 0.5, 2);
    metrics.errors.inc({ code: 'SLUICE_SINK' });
    metrics.build.set({ version: '1', node: '2', librdkafka: '3', sink: 'duckdb' }, 1);
    for (const gauge of [metrics.lag, metrics.lagSeconds, metrics.position]) gauge.set({ partition: 0 }, 1);
    metrics.parquetFiles.set({ age: '1h' }, 1);
    expect(check(await metrics.registry.metrics())).toEqual({ code: 0, text: '' });
  });

  it('has nothing to say about the metrics of a capture', async () => {
    const metrics = new CaptureMetrics();
    metrics.committed(new Map([['insert', 1]]), '0000000100000001');
    metrics.oplogBegins(1);
    expect(check(await metrics.registry.metrics())).toEqual({ code: 0, text: '' });
  });

  it('would say so', () => {
    const bad = '# HELP sluice_rows Rows\n# TYPE sluice_rows counter\nsluice_rows 1\n';
    expect(check(bad)).toMatchObject({ code: 3, text: expect.stringContaining('_total') });
  });
});
