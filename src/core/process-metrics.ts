/** What prom-client measures of the process itself. */
import { collectDefaultMetrics, type Registry } from 'prom-client';

/** Gauges that are named as counters, which Prometheus' own checks refuse: the sums of others by type. */
const MISNAMED = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`);

export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
}
