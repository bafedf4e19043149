/** The gauges of a run that other parts than its pipeline know. */
import type { Gauge } from 'prom-client';
import type { Config } from '../config.js';
import type { ReaderKind } from '../core/source.js';
import { Metrics } from '../metrics/metrics.js';
import { isPostgres } from '../sinks/ducklake/settings.js';
import { databasePath, topicFolder } from '../storage/data-dir.js';
import { type DiskPlaces, type DiskUsage, DiskWatch } from '../storage/disk-usage.js';
import { changesFolder } from '../storage/lake-files.js';
import { isObjectStore } from '../storage/object-store.js';
import { buildLabels } from './build-labels.js';

/** The metrics of a run, with what stays as it is. */
export function metricsOf({ sink, spec }: Config, reader: ReaderKind): Metrics {
  const metrics = new Metrics();
  metrics.expect(spec.expectations);
  metrics.source.set({ reader }, 1);
  metrics.build.set({ ...buildLabels(), sink }, 1);
  return metrics;
}

/** Watches the disks of a run. @returns what brings their gauges up to date */
export function diskGauges(config: Config, metrics: Metrics): () => void {
  const watch = new DiskWatch(diskPlaces(config));
  return () => showDisk(metrics, watch.look());
}

/** Where a run keeps what it made, as far as that is on disks of this machine. */
export function diskPlaces({ sink, dataDir, kafka: { topic }, lake: { catalog, dataPath } }: Config): DiskPlaces {
  if (sink === 'duckdb') return { dataDir, database: databasePath(dataDir), files: topicFolder(dataDir, topic) };
  return {
    dataDir,
    database: isPostgres(catalog) ? undefined : catalog,
    files: isObjectStore(dataPath) ? undefined : changesFolder(dataPath, topic),
  };
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
