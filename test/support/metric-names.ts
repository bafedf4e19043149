/** Which metrics there are, and which of them an expression of PromQL names. */
import type { Registry } from 'prom-client';
import { CaptureMetrics } from '../../src/capture/metrics.js';
import { Metrics } from '../../src/metrics/metrics.js';

/** What Prometheus itself knows of a target. */
const OF_PROMETHEUS = ['up', 'ALERTS'];
const KEYWORDS = /^(?:and|or|unless|by|on|without|ignoring|group_left|group_right|bool|offset|inf|nan)$/i;

/** The names of all series of a run and a capture. */
export async function knownSeries(): Promise<ReadonlySet<string>> {
  const names = await Promise.all([new Metrics(), new CaptureMetrics()].map(({ registry }) => seriesOf(registry)));
  return new Set([...OF_PROMETHEUS, ...names.flat()]);
}

async function seriesOf(registry: Registry): Promise<string[]> {
  const text = await registry.metrics();
  return [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) => {
    if (type === 'histogram') return ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`);
    return type === 'summary' ? [name, `${name}_sum`, `${name}_count`] : [name];
  });
}

/** The names of series in an expression: what is left of it without strings, labels, ranges and functions. */
export function seriesIn(expression: string): string[] {
  const rest = expression
    .replace(/"(?:[^"\\]|\\.)*"/g, '')
    .replace(/\{[^}]*\}|\[[^\]]*\]/g, ' ')
    .replace(/\b(?:by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  const words = [...rest.matchAll(/([a-zA-Z_:][\w:]*)(\s*\()?/g)];
  return words.filter(([, word, call]) => call === undefined && !KEYWORDS.test(word)).map(([, word]) => word);
}
