/** The data files of the newest snapshot: what housekeeping decides by. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { type CompactionReceipt, NOTHING_COMPACTED } from '../../core/flow.js';
import { literal, rowsOf } from '../../core/sql.js';
import type { TableSpec } from '../../schema/spec.js';
import { isNamedByDuckLake, registeredFiles } from './registered-files.js';

export interface CurrentFile {
  readonly bytes: number;
  readonly rows: number;
  readonly deleted: number;
}

/** Those that can be joined, by table, which is named as DuckLake's functions take it. */
export async function filesByTable(
  connection: DuckDBConnection,
  dataPath: string,
): Promise<Map<string, CurrentFile[]>> {
  const tables = new Map<string, CurrentFile[]>();
  for (const row of await rowsOf(connection, currentFiles(dataPath))) {
    const table = `${literal(String(row.table_name))}, schema => ${literal(String(row.schema_name))}`;
    const files = tables.get(table) ?? [];
    files.push({ bytes: Number(row.bytes), rows: Number(row.rows), deleted: Number(row.deleted) });
    tables.set(table, files);
  }
  return tables;
}

/** SQL of the files, with how many of their rows files say are deleted. */
function currentFiles(dataPath: string): string {
  const files = registeredFiles(dataPath);
  return `SELECT schema_name, table_name, bytes, rows, coalesce(deleted, 0) AS deleted
    FROM (FROM ${files} WHERE is_current AND NOT is_delete)
    LEFT JOIN (SELECT data_file_id, sum(rows) AS deleted FROM ${files} WHERE is_current AND is_delete GROUP BY ALL)
    USING (data_file_id)`;
}

/** The files of the table of changes, and their bytes. */
export async function changeFiles(
  connection: DuckDBConnection,
  dataPath: string,
  spec: TableSpec,
): Promise<Map<string, number>> {
  const rows = await rowsOf(
    connection,
    `SELECT file, bytes FROM ${registeredFiles(dataPath)} WHERE is_current AND NOT is_delete
     AND schema_name = 'main' AND table_name = ${literal(spec.table)}`,
  );
  return new Map(rows.map(({ file, bytes }) => [String(file), Number(bytes)]));
}

/** What was joined. Files that commits added meanwhile have names of workers. */
export function difference(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): CompactionReceipt {
  const gone = [...before].filter(([file]) => !after.has(file));
  const made = [...after].filter(([file]) => !before.has(file) && isNamedByDuckLake(file));
  const sum = (files: readonly [string, number][]) => files.reduce((total, [, bytes]) => total + bytes, 0);
  return {
    ...{ ...NOTHING_COMPACTED, filesBefore: gone.length, filesAfter: made.length },
    ...{ bytesBefore: sum(gone), bytesAfter: sum(made) },
  };
}
