/**
 * Files of the data directory: made durable just before a transaction, taken back when it is rolled back, and brought
 * into agreement with the ledger at start. A Parquet file counts only when the ledger names it.
 */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { asSluiceError, SluiceError } from '../../core/errors.js';
import type { ParquetFile, RemovedFile } from '../../core/flow.js';
import {
  databasePath,
  hasDatabase,
  listFiles,
  makeFolder,
  sync,
  temporaryPath,
  topicFolder,
} from '../../storage/data-dir.js';
import { removeJournal } from './commit-journal.js';
import { compareFiles, type FileDifferences, type LedgerState } from './ledger-files.js';

/** Names in a message. */
const MAX_NAMES = 3;

/** What an operator can do about files that the database does not explain. */
const CHOICES =
  'Nothing was removed. Put the newer analytics.db back; or make the database from the files with "sluice recover ' +
  '--from-parquet"; or remove the files with "sluice recover --remove-uncounted", and their messages are read from ' +
  'Kafka again. "sluice recover" shows more';

/**
 * Makes the folders that hold the topic's files, durably.
 * @throws SluiceError SLUICE_DATA_DIR when they cannot be made
 */
export function makeFolders(dataDir: string, topic: string): void {
  try {
    makeFolder(topicFolder(dataDir, topic));
    for (const folder of [join(dataDir, 'parquet'), dataDir]) sync(folder);
  } catch (cause) {
    throw asSluiceError(cause, 'SLUICE_DATA_DIR', `DATA_DIR=${dataDir} cannot be written`);
  }
}

/**
 * What a database that is gone has left. To take files for leftovers of a crash would delete data, and no new database
 * can be opened beside the log of another one.
 * @throws SluiceError SLUICE_UNEXPLAINED_FILES when there is any
 */
export function refuseOrphans(dataDir: string, topic: string): void {
  const orphans = listFiles(topicFolder(dataDir, topic)).filter((path) => path.endsWith('.parquet'));
  if (orphans.length > 0) {
    throw new SluiceError(
      'SLUICE_UNEXPLAINED_FILES',
      `DATA_DIR=${dataDir} has ${orphans.length} Parquet files, such as ${relative(dataDir, orphans[0])}, but not ` +
        'the database that says which of them count: put analytics.db back, make it from the files with "sluice ' +
        'recover --from-parquet", or move the files away',
    );
  }
  // Another process that makes a database has its log only after it.
  if (!existsSync(`${databasePath(dataDir)}.wal`) || hasDatabase(dataDir)) return;
  throw new SluiceError(
    'SLUICE_UNEXPLAINED_FILES',
    `DATA_DIR=${dataDir} has analytics.db.wal, but not the database whose log it is: put analytics.db back; or move ` +
      'analytics.db.wal away to start over',
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
    unpublish(files);
    throw asSluiceError(cause, 'SLUICE_DATA_DIR', 'cannot publish Parquet files');
  }
}

/** Gives files their temporary names back, as far as they have others. */
function unpublish(files: readonly ParquetFile[]): void {
  for (const { tempPath, path } of files) {
    try {
      renameSync(path, tempPath);
    } catch {
      // It was not renamed, or cannot be: then the next start removes it. Reported is what led here.
    }
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
 * Finishes rewrites, and removes what one unfinished write, commit or join left. Everything is decided before anything
 * is changed. The caller holds the database's lock.
 * @throws SluiceError SLUICE_UNEXPLAINED_FILES, SLUICE_SINK if files and ledger differ by more; then nothing is removed
 */
export function reconcileFiles(dataDir: string, topic: string, ledger: LedgerState): readonly RemovedFile[] {
  return remove(dataDir, agreeingFiles(dataDir, topic, ledger));
}

/**
 * How files and ledger differ, if a start accepts that. Nothing is changed.
 * @throws SluiceError SLUICE_UNEXPLAINED_FILES, SLUICE_SINK if they differ by more than a start puts right
 */
export function agreeingFiles(dataDir: string, topic: string, ledger: LedgerState): FileDifferences {
  const differences = compareFiles(dataDir, topic, ledger);
  if (differences.unexplained.length > 0) throw unexplainedFiles(dataDir, differences);
  refuseDamage(dataDir, differences.damaged);
  return differences;
}

/**
 * Removes files that nothing explains as well: an operator's decision.
 * @throws SluiceError SLUICE_SINK if the ledger lacks files, whose rows may be in those; then nothing is removed
 */
export function removeUncounted(dataDir: string, topic: string, ledger: LedgerState): readonly RemovedFile[] {
  const differences = compareFiles(dataDir, topic, ledger);
  refuseDamage(dataDir, differences.damaged);
  const uncounted = differences.unexplained.map((file) => ({ file, why: 'the ledger does not name it' }));
  return remove(dataDir, { ...differences, leftovers: [...differences.leftovers, ...uncounted] });
}

function remove(dataDir: string, { leftovers, rewritten }: Pick<FileDifferences, 'leftovers' | 'rewritten'>) {
  renameRewritten(dataDir, rewritten);
  removeForGood(
    dataDir,
    leftovers.map(({ file }) => file),
  );
  return leftovers;
}

/**
 * Removes files, durably, and then the journal: without it, a start takes a file that is there again for unexplained.
 * @param files relative to the data directory
 */
export function removeForGood(dataDir: string, files: readonly string[]): void {
  const paths = files.map((file) => join(dataDir, file));
  for (const path of paths) rmSync(path, { force: true });
  for (const folder of new Set(paths.map((path) => dirname(path)))) sync(folder);
  removeJournal(dataDir);
}

/** Gives files that the ledger means their names, if only that is missing. */
export function finishRewrites(dataDir: string, topic: string, ledger: LedgerState): void {
  renameRewritten(dataDir, compareFiles(dataDir, topic, ledger).rewritten);
}

function renameRewritten(dataDir: string, rewritten: readonly string[]): void {
  for (const path of rewritten.map((name) => join(dataDir, name))) {
    renameSync(temporaryPath(path), path);
    sync(dirname(path));
  }
}

/** @throws SluiceError SLUICE_SINK if the ledger names files that are not whole */
export function refuseDamage(dataDir: string, damaged: readonly string[]): void {
  if (damaged.length === 0) return;
  throw new SluiceError(
    'SLUICE_SINK',
    `DATA_DIR=${dataDir} lacks Parquet files that the ledger names: ${named(damaged)}. Nothing was removed; put ` +
      'them back. If analytics.db is a copy, put the parquet folder of the same moment back with it. "sluice verify" ' +
      'shows all differences',
  );
}

function unexplainedFiles(dataDir: string, { unexplained, damaged }: FileDifferences): SluiceError {
  const beside = damaged.length === 0 ? '' : ` Besides, the ledger names files that are not whole: ${named(damaged)}.`;
  return new SluiceError(
    'SLUICE_UNEXPLAINED_FILES',
    `DATA_DIR=${dataDir} has Parquet files that its database does not explain: ${named(unexplained)}. The database ` +
      `is older than they are: analytics.db.wal was removed, or an older analytics.db was put back.${beside} ` +
      CHOICES,
  );
}

/** How many there are, and the first of them. */
function named(names: readonly string[]): string {
  const more = names.length > MAX_NAMES ? `, … (${names.length} in all)` : '';
  return `${names.slice(0, MAX_NAMES).join(', ')}${more}`;
}
