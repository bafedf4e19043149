/** What the page shows of a run, or of a data directory at rest. */
import { LIVE_PAGE, programVersion } from '../assets.js';
import type { Config } from '../config.js';
import type { PageContent } from '../http/page.js';
import type { About, Snapshot } from '../http/snapshot.js';
import type { Metrics } from '../metrics/metrics.js';
import type { PartitionStatus, PipelineStatus } from '../pipeline/status.js';
import type { SqlClient } from '../query/sql-client.js';
import type { FieldPath } from '../schema/field-path.js';
import type { TableSpec } from '../schema/spec.js';
import type { PageAnswers } from './page-answers.js';

/** Partitions of a snapshot: those with the most lag. */
const MAX_PARTITIONS = 256;

export interface PageSource {
  /** Whether there is a run to watch. */
  readonly live: boolean;
  readonly topic: string;
  /** What a query is run on, which closes it. */
  open(): Promise<SqlClient>;
}

export function pageContent(config: Config, { live, topic, open }: PageSource): Omit<PageContent, 'snapshot'> {
  const { spec, maskKey, dataDir, registry, worker } = config;
  const version = programVersion();
  const { valueFormat } = registry;
  const noTrying = valueFormat === 'json' ? null : `VALUE_FORMAT=${valueFormat}: only messages in JSON can be tried`;
  // Loaded when it is needed: a run that nobody looks at needs no DuckDB and no kernel in its main thread.
  let loading: Promise<PageAnswers> | undefined;
  const answers = () => {
    loading ??= import('./page-answers.js').then(
      ({ PageAnswers }) => new PageAnswers(open, { spec, maskKey, ...worker }),
    );
    return loading;
  };
  return {
    folder: LIVE_PAGE,
    about: { live, version, topic, dataDir, noTrying, spec: specAbout(spec) },
    query: async (sql, signal) => (await answers()).query(sql, signal),
    tryMessage: async (value, key) => (await answers()).tryMessage(value, key),
  };
}

/** A run at this moment, but for its health. */
export async function snapshotOf(
  { totals, partitions, lag, lagAgeSeconds, inFlightBatches }: PipelineStatus,
  metrics: Metrics,
): Promise<Omit<Snapshot, 'problem' | 'waitingFor' | 'ready'>> {
  const { events, bytes, merged, duplicate, quarantined, commits } = totals;
  const [stageSeconds, backpressure] = await Promise.all([metrics.stageTotals(), metrics.backpressureSeconds.get()]);
  return {
    atMs: Date.now(),
    ...{ events, bytes, merged, duplicate, quarantined, commits },
    ...{ lag, lagAgeSeconds: lagAgeSeconds ?? null, inFlightBatches, stageSeconds },
    partitions: mostBehind(partitions).map(({ partition, position, lag, watermarkSeconds }) => ({
      ...{ partition, position, lag, watermarkSeconds: watermarkSeconds ?? null },
    })),
    partitionCount: partitions.length,
    backpressureSeconds: backpressure.values.reduce((sum, { value }) => sum + value, 0),
    latency: metrics.latency.counts(),
  };
}

function mostBehind(partitions: readonly PartitionStatus[]): readonly PartitionStatus[] {
  if (partitions.length <= MAX_PARTITIONS) return partitions;
  return partitions.toSorted((a, b) => b.lag - a.lag).slice(0, MAX_PARTITIONS);
}

function specAbout({ table, view, columns }: TableSpec): About['spec'] {
  return {
    table,
    view,
    columns: columns.map(({ name, paths, kind, role = null, required }) => ({
      ...{ name, kind, role, required },
      paths: paths.map(shownPath),
    })),
  };
}

/** `customer.id`, and of the message's key `key: id`. */
function shownPath({ of, names }: FieldPath): string {
  const path = names.join('.');
  if (of === 'value') return path;
  return path === '' ? 'key' : `key: ${path}`;
}
