/** The files that a lake's catalog names. */
import { resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { globLiteral, literal, rowsOf } from '../../core/sql.js';
import { isObjectStore } from '../../storage/object-store.js';
import { METADATA } from './lake.js';

const ofTable = (dataPath: string) => `CASE WHEN f.path_is_relative
  THEN ${literal(`${dataPath}/`)} || s.path || t.path || f.path ELSE f.path END`;

/**
 * SQL of all data files and delete files, those of older snapshots among them: the columns `file`, `bytes`, `rows`,
 * `is_current`, `is_delete`, `data_file_id`, `schema_name`, `table_name`.
 * @param dataPath without a slash at the end
 * @param withDropped those of tables that only older snapshots have, too; a file may be there more than once then
 */
export function registeredFiles(dataPath: string, withDropped = false): string {
  const tables = withDropped ? '' : 'WHERE end_snapshot IS NULL';
  const select = (rows: string, isDelete: boolean, table: string) =>
    `SELECT ${ofTable(dataPath)} AS file, f.file_size_bytes AS bytes, f.${rows} AS rows,
       f.end_snapshot IS NULL AS is_current, ${isDelete} AS is_delete, f.data_file_id, s.schema_name, t.table_name
     FROM ${METADATA}.${table} f JOIN (FROM ${METADATA}.ducklake_table ${tables}) t USING (table_id)
     JOIN ${METADATA}.ducklake_schema s USING (schema_id)`;
  return `(${select('record_count', false, 'ducklake_data_file')} UNION ALL
    ${select('delete_count', true, 'ducklake_delete_file')})`;
}

/** The folder of a table, where DuckLake writes its files. @param dataPath without a slash at the end */
export async function tableFolder(
  connection: DuckDBConnection,
  dataPath: string,
  schema: string,
  table: string,
): Promise<string> {
  const [{ path }] = await rowsOf(
    connection,
    `SELECT s.path || t.path AS path FROM ${METADATA}.ducklake_table t
     JOIN ${METADATA}.ducklake_schema s USING (schema_id)
     WHERE t.end_snapshot IS NULL AND s.end_snapshot IS NULL AND s.schema_name = ${literal(schema)}
       AND t.table_name = ${literal(table)}`,
  );
  const relative = String(path).replace(/\/$/, '');
  return isObjectStore(dataPath) ? `${dataPath}/${relative}` : resolve(dataPath, relative);
}

/** The folders of all tables, those that only older snapshots have among them. */
export async function tableFolders(connection: DuckDBConnection, dataPath: string): Promise<string[]> {
  const rows = await rowsOf(
    connection,
    `SELECT DISTINCT s.path || t.path AS path FROM ${METADATA}.ducklake_table t
     JOIN ${METADATA}.ducklake_schema s USING (schema_id)`,
  );
  return rows.map(({ path }) => `${dataPath}/${String(path).replace(/\/$/, '')}`);
}

const SCHEDULED = `${METADATA}.ducklake_files_scheduled_for_deletion`;

const scheduledPath = (dataPath: string) =>
  `CASE WHEN path_is_relative THEN ${literal(`${dataPath}/`)} || path ELSE path END`;

/** SQL of the files that DuckLake is going to remove, in the column `file`. */
export function scheduledFiles(dataPath: string): string {
  return `(SELECT ${scheduledPath(dataPath)} AS file FROM ${SCHEDULED})`;
}

/** The paths of all files that the catalog names, those that DuckLake is going to remove among them. */
export async function knownFiles(connection: DuckDBConnection, dataPath: string): Promise<Set<string>> {
  const rows = await rowsOf(
    connection,
    `SELECT file FROM ${registeredFiles(dataPath, true)} UNION SELECT file FROM ${scheduledFiles(dataPath)}`,
  );
  return new Set(rows.map(({ file }) => String(file)));
}

/** Numbers of files from here on DuckLake does not give. It removes by number: two processes must not use the same. */
const FIRST_ORPHAN_ID = 2n ** 62n;
const RANDOM_IDS = 2 ** 48;

/** Has DuckLake remove files that nobody needs when it next cleans up, wherever they are stored. */
export async function scheduleRemoval(connection: DuckDBConnection, paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return;
  const rows = paths.map((path, index) => `(${index}, ${literal(path)})`);
  const first = FIRST_ORPHAN_ID + BigInt(Math.floor(Math.random() * RANDOM_IDS)) * BigInt(paths.length);
  await connection.run(
    `INSERT INTO ${SCHEDULED}
     SELECT ${first} + nth, path, false, TIMESTAMPTZ '2000-01-01 00:00:00+00'
     FROM (VALUES ${rows.join(', ')}) orphans(nth, path)`,
  );
}

/**
 * Takes files off that list which the catalog names: DuckLake would remove them all the same. Older releases could
 * write a file that was on it.
 */
export async function keepRegistered(connection: DuckDBConnection, dataPath: string): Promise<void> {
  const rows = await rowsOf(
    connection,
    `SELECT data_file_id AS id FROM ${SCHEDULED}
     WHERE ${scheduledPath(dataPath)} IN (SELECT file FROM ${registeredFiles(dataPath, true)})`,
  );
  if (rows.length === 0) return;
  await connection.run(`DELETE FROM ${SCHEDULED} WHERE data_file_id IN (${rows.map(({ id }) => id).join(', ')})`);
}

/** What DuckLake names its files like: a delete file, or one that housekeeping made. As a pattern of file names. */
const DUCKLAKE_FILES = 'ducklake-*.parquet';
/** With a UUID of version 7, which begins with the milliseconds since the epoch. */
const DUCKLAKE_FILE = /\/ducklake-([0-9a-f]{8})-([0-9a-f]{4})(?:-[0-9a-f]{4}){2}-[0-9a-f]{12}(?:-delete)?\.parquet$/;

export function isNamedByDuckLake(path: string): boolean {
  return DUCKLAKE_FILE.test(path);
}

/** When a file of DuckLake got its name: milliseconds since the epoch. */
export function timeOfName(path: string): number {
  const [, high = '', low = ''] = DUCKLAKE_FILE.exec(path) ?? [];
  return Number.parseInt(high + low, 16);
}

/** Files that DuckLake named before a time, in milliseconds since the epoch, and that the catalog does not have. */
export async function unregisteredFiles(
  connection: DuckDBConnection,
  dataPath: string,
  before: number,
): Promise<string[]> {
  const pattern = globLiteral(dataPath, `**/${DUCKLAKE_FILES}`);
  const stored = (await rowsOf(connection, `SELECT file FROM glob(${pattern})`)).map(({ file }) => String(file));
  // Looked up after they were listed: what was registered meanwhile is known.
  const known = await knownFiles(connection, dataPath);
  return stored.filter((path) => isNamedByDuckLake(path) && !known.has(path) && timeOfName(path) < before);
}
