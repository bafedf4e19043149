/**
 * Files of rows that a transaction registers, where DuckLake has those that it makes itself, and with a name of that
 * kind: what no transaction registers, housekeeping removes. DuckLake's own file would be gone if the answer to the
 * COMMIT that registers it is lost.
 */
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { literal, rowsOf } from '../../core/sql.js';
import { copyToParquet, type ParquetCopy } from '../../parquet/parquet-copy.js';
import { sync } from '../../storage/data-dir.js';
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
  for (let parent = folder; parent.startsWith(dataPath); parent = dirname(parent)) sync(parent);
  return path;
}

/** In the connection's transaction. */
export async function registerTableFile(
  connection: DuckDBConnection,
  { schema, table }: LakeTableName,
  path: string,
): Promise<void> {
  await connection.run(
    `CALL ducklake_add_data_files('${LAKE}', ${literal(table)}, ${literal(path)}, schema => ${literal(schema)})`,
  );
}

/** Removes one that no transaction has registered or may have. */
export async function removeTableFile(connection: DuckDBConnection, path: string): Promise<void> {
  if (isObjectStore(path)) await scheduleRemoval(connection, [path]);
  else rmSync(path, { force: true });
}
