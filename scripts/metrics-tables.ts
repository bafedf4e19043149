/** The tables of metrics in docs/operations.md, from the metrics themselves. */
import { fileURLToPath } from 'node:url';
import type { Registry } from 'prom-client';
import { CaptureMetrics } from '../src/capture/metrics.js';
import { Metrics } from '../src/metrics/metrics.js';
import { markdownTable, withPart } from './generated-parts.js';

/** The document that has the tables. */
export const OPERATIONS = fileURLToPath(new URL('../docs/operations.md', import.meta.url));

/** The document with its tables written anew. */
export function withMetrics(document: string): string {
  const ofRun = withPart(document, 'metrics of run', tableOf(new Metrics().registry));
  return withPart(ofRun, 'metrics of capture', tableOf(new CaptureMetrics().registry));
}

function tableOf(registry: Registry): string {
  const rows = registry.getMetricsAsArray().flatMap((metric) => {
    // Its type does not tell all that it has.
    const { name, help, type, labelNames } = metric as unknown as Record<'name' | 'help' | 'type', string> & {
      readonly labelNames: readonly string[];
    };
    if (!name.startsWith('sluice_')) return [];
    return [[`\`${name}\``, type, labelNames.map((label) => `\`${label}\``).join(', '), help]];
  });
  return markdownTable([['metric', 'type', 'labels', 'meaning'], ...rows]);
}
