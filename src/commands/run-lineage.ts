/** The lineage of a run: where its events go, and what its topic, its table and its files are called there. */
import { programVersion } from '../assets.js';
import type { Config } from '../config.js';
import type { Logger } from '../core/log.js';
import type { OutputPlace } from '../lineage/datasets.js';
import type { Lineage } from '../lineage/lineage.js';
import type { Transport } from '../lineage/transports.js';
import type { Metrics } from '../metrics/metrics.js';
import type { CommitListener } from '../pipeline/totals.js';
import { duckdbType } from '../sinks/duckdb/columns.js';
import { connectionOf, isPostgres } from '../sinks/ducklake/settings.js';
import { databasePath, topicFolder } from '../storage/data-dir.js';
import { changesFolder } from '../storage/lake-files.js';
import { isObjectStore } from '../storage/object-store.js';

/** @returns undefined if nobody wants events */
export async function runLineage(config: Config, metrics: Metrics, log: Logger): Promise<Lineage | undefined> {
  const { url, endpoint, apiKey, apiKeyFile, file, namespace, disabled, intervalMs } = config.lineage;
  if (disabled || (url === undefined && file === undefined)) return undefined;
  const { Lineage } = await import('../lineage/lineage.js');
  const { newRunId } = await import('../lineage/run-event.js');
  const { fileTransport, httpTransport } = await import('../lineage/transports.js');
  const transports: Transport[] = [];
  if (url !== undefined) transports.push(httpTransport({ url, endpoint, apiKey: apiKey ?? apiKeyFile }));
  if (file !== undefined) transports.push(fileTransport(file));
  const { kafka, spec } = config;
  const version = programVersion();
  const [broker] = kafka.brokers.split(',');
  const run = {
    ...{ producer: `pkg:npm/sluice-cdc@${version}`, version, runId: newRunId(Date.now()), intervalMs, spec },
    job: { namespace, name: `${kafka.groupId}.${kafka.topic}` },
    topic: { namespace: `kafka://${broker}`, name: kafka.topic },
    outputs: outputPlaces(config),
    typeName: duckdbType,
  };
  const hooks = {
    onResult: (result: string) => metrics.lineageEvents.inc({ result }),
    onRetry: () => metrics.lineageRetries.inc(),
  };
  return new Lineage({ run, transports, hooks }, log);
}

/** Tells it of commits. */
export function committedRanges(lineage: Lineage): CommitListener {
  return (receipt, partitions) => {
    const starts = new Map([...partitions].map(({ number, committed }) => [number, committed.nextOffset]));
    const ranges = receipt.positions.map(({ partition, nextOffset }) => ({
      ...{ partition, startOffset: starts.get(partition) ?? nextOffset, nextOffset },
    }));
    lineage.committed(receipt, ranges);
  };
}

/** By https://openlineage.io/docs/spec/naming, and of DuckDB as OpenLineage's integration of dbt calls its tables. */
export function outputPlaces({ sink, dataDir, kafka: { topic }, lake, spec }: Config): OutputPlace[] {
  if (sink === 'duckdb') {
    const table = `analytics.main.${spec.table}`;
    return [
      { namespace: `duckdb://${databasePath(dataDir)}`, name: table, datasetType: 'TABLE', hasBytes: false },
      { namespace: 'file', name: topicFolder(dataDir, topic), datasetType: 'FILE', hasBytes: true },
    ];
  }
  const { catalog, dataPath } = lake;
  const metadataUri = isPostgres(catalog) ? postgresUri(catalog) : catalog;
  return [
    {
      ...location(changesFolder(dataPath, topic)),
      ...{ datasetType: 'TABLE', hasBytes: true },
      symlink: { namespace: `ducklake:${metadataUri}`, name: `main.${spec.table}` },
      catalog: {
        ...{ framework: 'ducklake', type: isPostgres(catalog) ? 'postgres' : 'duckdb', name: 'lake' },
        ...{ metadataUri, warehouseUri: dataPath, source: 'duckdb' },
      },
    },
  ];
}

function location(folder: string): Pick<OutputPlace, 'namespace' | 'name'> {
  if (!isObjectStore(folder)) return { namespace: 'file', name: folder };
  // As it is: a prefix may have a percent sign.
  const [, bucket, prefix] = /^s3:\/\/([^/]*)\/?(.*)$/.exec(folder)!;
  return { namespace: `s3://${bucket}`, name: prefix };
}

/** Without its user and its password. */
function postgresUri(catalog: string): string {
  const { parameters } = connectionOf(catalog);
  const [host = 'localhost', port = '5432', name = ''] = ['host', 'port', 'dbname'].map(
    (key) => new RegExp(`(?:^| )${key}='([^']*)'`).exec(parameters)?.[1],
  );
  return `postgres://${host}:${port}/${name}`;
}
