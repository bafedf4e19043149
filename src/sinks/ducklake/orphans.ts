/**
 * Files of a lake that nobody registered: a process was killed between writing and committing them.
 *
 * Those of the owner of a partition may still be registered; those of an owner before it never will be, whatever that
 * process does, for the catalog refuses its commits. With a catalog in a file there is no other process.
 */
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { SluiceError } from '../../core/errors.js';
import type { RemovedFile } from '../../core/flow.js';
import { literal, rowsOf } from '../../core/sql.js';
import { listFiles } from '../../storage/data-dir.js';
import { changesFolder, parseLakeFilePath, partitionFolder, quarantineFolder } from '../../storage/lake-files.js';
import { isObjectStore } from '../../storage/object-store.js';
import { METADATA } from './lake.js';
import { filesError } from './lake-errors.js';
import type { LakeTable } from './lake-transaction.js';
import type { Ownership } from './ownership.js';

const FIRST_ORPHAN_ID = 2n ** 62n;

/** What a start does. @throws SluiceError SLUICE_UNEXPLAINED_FILES if files were committed to another catalog */
export async function settleFiles(
  connection: DuckDBConnection,
  table: LakeTable,
  ownership: Ownership,
): Promise<RemovedFile[]> {
  await refuseFilesOfOthers(connection, table);
  return await removeOrphans(connection, table, ownership.isShared ? await ownership.epochs() : undefined);
}

/**
 * Removes them; from an object store when DuckLake removes what it needs no longer.
 * @param epochs of the owners; undefined if nobody else can have any
 * @param partitions of which; default: all
 * @returns what was removed, relative to the folder of all files
 */
export async function removeOrphans(
  connection: DuckDBConnection,
  { dataPath, topic }: LakeTable,
  epochs: ReadonlyMap<number, number> | undefined,
  partitions?: readonly number[],
): Promise<RemovedFile[]> {
  const folder = changesFolder(dataPath, topic);
  const both = [folder, quarantineFolder(folder)];
  const folders = partitions?.flatMap((partition) => both.map((of) => partitionFolder(of, partition))) ?? [folder];
  const isRemote = isObjectStore(dataPath);
  const files = await filesIn(connection, dataPath, folders);
  if (files.length === 0) return [];
  // Read after the files were listed: whatever an owner before has committed is in it.
  const registered = await registeredFiles(connection, dataPath);
  const orphans = files.filter((path) => {
    const { partition, epoch } = parseLakeFilePath(path) ?? { partition: -1, epoch: 0 };
    // The first owner of a partition may have claimed it since the epochs were read.
    const isOfOwner = epochs !== undefined && epoch >= (epochs.get(partition) ?? 0);
    return partition >= 0 && !registered.has(path) && !isOfOwner;
  });
  if (isRemote) await scheduleRemoval(connection, orphans);
  else for (const path of orphans) rmSync(path, { force: true });
  return orphans.map((path) => {
    return { file: path.slice(dataPath.length + 1), why: 'a commit that was not finished' };
  });
}

/**
 * Files in a place that the catalog knows nothing of were committed to another catalog: to take them for leftovers of a
 * crash would delete data.
 * @throws SluiceError SLUICE_UNEXPLAINED_FILES when there are any
 */
async function refuseFilesOfOthers(connection: DuckDBConnection, { dataPath, topic }: LakeTable): Promise<void> {
  const folder = changesFolder(dataPath, topic);
  const files = (await filesIn(connection, dataPath, [folder])).filter((path) => parseLakeFilePath(path) !== undefined);
  if (files.length === 0) return;
  // Read after the files were listed: a partition has a beginning before it has files.
  const begun = await rowsOf(connection, 'SELECT 1 FROM sluice.starts LIMIT 1');
  if (begun.length > 0) return;
  throw new SluiceError(
    'SLUICE_UNEXPLAINED_FILES',
    `${folder} has ${files.length} Parquet files, such as ${files[0]}, and the catalog of the lake is empty: give it ` +
      'the catalog that they were committed to (LAKE_CATALOG), put that back from a backup, or move the files away',
  );
}

function filesIn(connection: DuckDBConnection, dataPath: string, folders: readonly string[]): Promise<string[]> {
  if (isObjectStore(dataPath)) return listObjects(connection, dataPath, folders);
  return Promise.resolve(folders.flatMap((path) => listFiles(path)));
}

async function listObjects(
  connection: DuckDBConnection,
  dataPath: string,
  folders: readonly string[],
): Promise<string[]> {
  const patterns = folders.map((folder) => literal(`${folder}/**/*.parquet`));
  try {
    const rows = await rowsOf(connection, `SELECT file FROM glob([${patterns.join(', ')}])`);
    return rows.map(({ file }) => String(file));
  } catch (thrown) {
    throw filesError(thrown, dataPath);
  }
}

/** DuckDB has no other way to remove an object. Ids are above those of any file. */
async function scheduleRemoval(connection: DuckDBConnection, paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return;
  const rows = paths.map((path, index) => `(${FIRST_ORPHAN_ID + BigInt(index)}, ${literal(path)}, false, now())`);
  await connection.run(`INSERT INTO ${METADATA}.ducklake_files_scheduled_for_deletion VALUES ${rows.join(', ')}`);
}

/** Those of all snapshots, and those that DuckLake will remove itself; absolute. */
async function registeredFiles(connection: DuckDBConnection, dataPath: string): Promise<Set<string>> {
  const rows = await rowsOf(
    connection,
    `SELECT path FROM ${METADATA}.ducklake_data_file UNION ALL
     SELECT path FROM ${METADATA}.ducklake_files_scheduled_for_deletion`,
  );
  const absolute = (path: string) => {
    if (!isObjectStore(dataPath)) return resolve(dataPath, path);
    return isObjectStore(path) ? path : `${dataPath}/${path}`;
  };
  return new Set(rows.map(({ path }) => absolute(String(path))));
}
