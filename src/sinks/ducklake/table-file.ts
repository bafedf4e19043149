/**
 * Files of rows that a transaction registers, where DuckLake has those that it makes itself, and with a name of that
 * kind: what no transaction registers, housekeeping removes. DuckLake's own file would be gone if the answer to the
 * COMMIT that registers it is lost.
 */
import { renameSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { literal, rowsOf } from '../../core/sql.js';
import { copyToParquet, copyToParquetFiles, type ParquetCopy } from '../../parquet/parquet-copy.js';
import { makeFolder, sync, temporaryPath } from '../../storage/data-dir.js';
import { isObjectStore } from '../../storage/object-store.js';
import { writeFileInPlace } from '../../storage/staged-file.js';
import { LAKE } from './lake.js';
import { scheduleRemoval, tableFolder } from './registered-files.js';

export interface LakeTableName {
  readonly schema: string;
  readonly table: string;
}

/**
 * Writes a file, which is durable when it is done, its name included.
 * @param dataPath without a slash at the end
 * @param rows SQL relation
 * @throws SluiceError SLUICE_DATA_DIR if the file cannot be written to a disk, DuckDB's error
 */
export async function writeTableFile(
  connection: DuckDBConnection,
  dataPath: string,
  { schema, table }: LakeTableName,
  rows: string,
  copy: ParquetCopy,
): Promise<string> {
  const folder = await tableFolder(connection, dataPath, schema, table);
  const [{ id }] = await rowsOf(connection, 'SELECT uuidv7()::VARCHAR AS id');
  const path = `${folder}/ducklake-${id}.parquet`;
  const write = (to: string) => copyToParquet(connection, rows, to, copy);
  if (isObjectStore(path)) {
    await write(path);
    return path;
  }
  await writeFileInPlace(path, write);
  syncFolders(folder, dataPath);
  return path;
}

/**
 * The same for files of about so many bytes, of which a query may need few. After a failure there are none on a disk;
 * what there is in an object store, housekeeping removes.
 * @returns their paths, none if there are no rows
 * @throws the system's error, DuckDB's error
 */
export async function writeTableFiles(
  connection: DuckDBConnection,
  dataPath: string,
  { schema, table }: LakeTableName,
  rows: string,
  fileBytes: number,
  copy: ParquetCopy,
): Promise<string[]> {
  const folder = await tableFolder(connection, dataPath, schema, table);
  const write = (to: string) => copyToParquetFiles(connection, rows, to, 'ducklake-{uuidv7}', fileBytes, copy);
  if (isObjectStore(folder)) return await write(folder);
  const [{ id }] = await rowsOf(connection, 'SELECT uuid()::VARCHAR AS id');
  const staging = temporaryPath(`${folder}/${id}`);
  const paths: string[] = [];
  try {
    makeFolder(staging);
    const staged = await write(staging);
    for (const path of staged) sync(path);
    for (const path of staged) {
      paths.push(`${folder}/${basename(path)}`);
      renameSync(path, paths[paths.length - 1]);
    }
    syncFolders(folder, dataPath);
    return paths;
  } catch (thrown) {
    for (const path of paths) rmSync(path, { force: true });
    throw thrown;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Makes the names of files outlive a power failure. */
function syncFolders(folder: string, dataPath: string): void {
  for (let parent = folder; parent.startsWith(dataPath); parent = dirname(parent)) sync(parent);
}

/** In the connection's transaction. @param paths at least one */
export async function registerTableFiles(
  connection: DuckDBConnection,
  { schema, table }: LakeTableName,
  paths: readonly string[],
): Promise<void> {
  const files = `[${paths.map(literal).join(', ')}]`;
  await connection.run(
    `CALL ducklake_add_data_files('${LAKE}', ${literal(table)}, ${files}, schema => ${literal(schema)})`,
  );
}

/** Removes one that no transaction has registered or may have. */
export async function removeTableFile(connection: DuckDBConnection, path: string): Promise<void> {
  if (isObjectStore(path)) await scheduleRemoval(connection, [path]);
  else rmSync(path, { force: true });
}
