/** The gauges of a run that other parts than its pipeline know. */
import type { Gauge } from 'prom-client';
import type { Config } from '../config.js';
import type { ReaderKind } from '../core/source.js';
import { Metrics } from '../metrics/metrics.js';
import type { SqlClient } from '../query/sql-client.js';
import { isPostgres } from '../sinks/ducklake/settings.js';
import { databasePath, topicFolder } from '../storage/data-dir.js';
import {
  type DiskPlaces,
  type DiskUsage,
  DiskWatch,
  FILE_AGES,
  type FileAge,
  type FileUsage,
} from '../storage/disk-usage.js';
import { buildLabels } from './build-labels.js';

/** The metrics of a run, with what stays as it is. */
export function metricsOf({ sink, spec }: Config, reader: ReaderKind): Metrics {
  const metrics = new Metrics();
  metrics.expect(spec.expectations);
  metrics.source.set({ reader }, 1);
  metrics.build.set({ ...buildLabels(), sink }, 1);
  return metrics;
}

/**
 * Watches the disks of a run, and the files of its lake.
 * @param open what the catalog is asked through
 * @returns what brings their gauges up to date
 */
export function diskGauges(config: Config, metrics: Metrics, open: () => Promise<SqlClient>): () => void {
  const watch = new DiskWatch(diskPlaces(config, open));
  return () => showDisk(metrics, watch.look());
}

/** Where a run keeps what it made, as far as that is on disks of this machine, and what knows the files of a lake. */
export function diskPlaces(config: Config, open: () => Promise<SqlClient>): DiskPlaces {
  const { sink, dataDir, kafka, lake } = config;
  if (sink === 'duckdb') return { dataDir, database: databasePath(dataDir), files: topicFolder(dataDir, kafka.topic) };
  return {
    dataDir,
    database: isPostgres(lake.catalog) ? undefined : lake.catalog,
    files: async () => lakeUsage(await open(), lake.keepSnapshotsMs),
  };
}

async function lakeUsage(client: SqlClient, keepSnapshotsMs: number): Promise<FileUsage[]> {
  // A run whose metrics nobody asks for needs no DuckDB in its main thread.
  const [{ allRows }, { lakeFileUsage }] = await Promise.all([
    import('../query/sql-client.js'),
    import('../sinks/ducklake/file-usage.js'),
  ]);
  const rows = await allRows(client, lakeFileUsage(keepSnapshotsMs));
  const found = new Map(rows.map(({ age, files, bytes }) => [age, { files: Number(files), bytes: Number(bytes) }]));
  return (Object.keys(FILE_AGES) as FileAge[]).map((age) => ({ age, ...(found.get(age) ?? { files: 0, bytes: 0 }) }));
}

function showDisk(metrics: Metrics, { freeBytes, databaseBytes, walBytes, parquet = [] }: DiskUsage): void {
  show(metrics.freeBytes, freeBytes);
  show(metrics.databaseBytes, databaseBytes);
  show(metrics.walBytes, walBytes);
  metrics.parquetFiles.reset();
  metrics.parquetStoredBytes.reset();
  for (const { age, files, bytes } of parquet) {
    metrics.parquetFiles.set({ age }, files);
    metrics.parquetStoredBytes.set({ age }, bytes);
  }
}

/** What is not known is not shown: 0 would be a full disk. */
function show(gauge: Gauge, value: number | undefined): void {
  if (value === undefined) gauge.remove();
  else gauge.set(value);
}
