/**
 * Files of the data directory: made durable just before a transaction, taken back when it is rolled back, and brought
 * into agreement with the ledger at start. A Parquet file counts only when the ledger names it.
 */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { sync, topicFolder } from './data-dir.js';
import { asSluiceError, SluiceError } from './errors.js';
import type { ParquetFile } from './flow.js';

/**
 * Makes the folders that hold the topic's files, durably.
 * @throws SluiceError SLUICE_DATA_DIR when they cannot be made
 */
export function makeFolders(dataDir: string, topic: string): void {
  try {
    mkdirSync(topicFolder(dataDir, topic), { recursive: true });
    for (const folder of [join(dataDir, 'parquet'), dataDir]) sync(folder);
  } catch (cause) {
    throw asSluiceError(cause, 'SLUICE_DATA_DIR', `DATA_DIR=${dataDir} cannot be written`);
  }
}

/**
 * Files without a database were committed by one that is gone: taking them for leftovers of a crash would delete data.
 * @throws SluiceError SLUICE_SINK when there are any
 */
export function refuseOrphans(dataDir: string, topic: string): void {
  const orphans = listFiles(topicFolder(dataDir, topic)).filter((path) => path.endsWith('.parquet'));
  if (orphans.length === 0) return;
  throw new SluiceError(
    'SLUICE_SINK',
    `DATA_DIR=${dataDir} has ${orphans.length} Parquet files, such as ${relative(dataDir, orphans[0])}, but not the ` +
      'database that says which of them count: put analytics.db back, or move the files away',
  );
}

/** Gives files their final names, durably. @throws SluiceError SLUICE_DATA_DIR; then no file has its final name */
export function publish(files: readonly ParquetFile[]): void {
  try {
    for (const { tempPath, path } of files) renameSync(tempPath, path);
    // The partition's folder may be new itself.
    const folders = files.flatMap(({ path }) => [dirname(path), dirname(dirname(path))]);
    for (const folder of new Set(folders)) sync(folder);
  } catch (cause) {
    withdraw(files);
    throw asSluiceError(cause, 'SLUICE_DATA_DIR', 'cannot publish Parquet files');
  }
}

/** Removes files that do not count after all; what cannot be removed is removed at the next start. */
export function withdraw(files: readonly ParquetFile[]): void {
  for (const { tempPath, path } of files) {
    for (const name of [tempPath, path]) {
      try {
        rmSync(name, { force: true });
      } catch {
        // Reported is what led here.
      }
    }
  }
}

/**
 * Removes every file under the topic's folder that the ledger does not name. The caller holds the database's lock.
 * @param ledger path relative to the data directory → bytes
 * @returns what was removed, relative to the data directory
 * @throws SluiceError SLUICE_SINK when a file of the ledger is missing or has another size
 */
export function reconcileFiles(dataDir: string, topic: string, ledger: ReadonlyMap<string, number>): string[] {
  const removed: string[] = [];
  for (const path of listFiles(topicFolder(dataDir, topic))) {
    const name = relative(dataDir, path);
    if (ledger.has(name)) continue;
    rmSync(path, { force: true });
    removed.push(name);
  }
  for (const [name, bytes] of ledger) {
    const found = statSync(join(dataDir, name), { throwIfNoEntry: false })?.size;
    if (found === bytes) continue;
    const what = found === undefined ? 'is missing' : `has ${found} bytes, not ${bytes}`;
    throw new SluiceError('SLUICE_SINK', `${name}, which the ledger names, ${what}: see "sluice verify"`);
  }
  return removed;
}

/** All files below a folder, absolute; none where the folder does not exist. */
export function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
