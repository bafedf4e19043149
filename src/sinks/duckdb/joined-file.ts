/** What is in a file that joining, rewriting or a replay makes: rows of files, with the table's columns. */
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { BATCH_STAT_LIST } from '../../core/batch-stats.js';
import { literal, rowsOf } from '../../core/sql.js';
import { copyToParquet } from '../../parquet/parquet-copy.js';
import type { ParquetCompression } from '../../parquet/parquet-writer.js';
import { type RowRun, rowGroupRows, TEXT_BYTES_KEY } from '../../parquet/row-groups.js';
import { type TableSpec, tableColumns } from '../../schema/spec.js';
import { columnDefinitions } from './ddl.js';
import { parquet } from './file-inventory.js';
import type { LedgerFile } from './ledger-files.js';

export interface JoinedFileOptions {
  /** Absolute. */
  readonly dataDir: string;
  readonly topic: string;
  readonly spec: TableSpec;
  readonly compression: ParquetCompression;
}

/** What a file has besides the rows of files of the ledger. */
export interface AddedRows {
  /** Absolute: files with rows of offsets that the others do not have. */
  readonly paths: readonly string[];
  /** Entries of its metadata. */
  readonly metadata: ReadonlyMap<string, string>;
  /** SQL: the rows with some of their values replaced. */
  readonly replaced?: (rows: string) => string;
}

/** SQL: what the metadata of a joined file says of the counters that are in the ledger. */
const SUMS = BATCH_STAT_LIST.flatMap(([, { ledger, metadata }]) =>
  ledger === undefined || metadata === undefined ? [] : [`sum(${ledger.column}) AS ${metadata}`],
).join(', ');

/**
 * Writes the rows of neighbours into a new file, which is not yet durable. Columns of the spec that a file lacks are
 * NULL; columns that the spec no longer has come last.
 * @param files of one partition, in offset order
 * @param added rows that come between those
 * @throws DuckDB's error
 */
export async function writeJoinedFile(
  connection: DuckDBConnection,
  options: JoinedFileOptions,
  files: readonly LedgerFile[],
  path: string,
  added?: AddedRows,
): Promise<void> {
  const known = files.map(({ name }) => join(options.dataDir, name));
  const paths = [...known, ...(added?.paths ?? [])];
  const runs = await runsOf(connection, paths);
  const metadata = await metadataOf(connection, options, files, known);
  for (const [key, value] of added?.metadata ?? []) metadata.set(key, value);
  const textBytes = runs.every(({ isExact }) => isExact) && runs.reduce((sum, run) => sum + run.textBytes, 0);
  if (textBytes !== false) metadata.set(TEXT_BYTES_KEY, String(textBytes));
  await connection.run(`CREATE OR REPLACE TEMP TABLE columns_of_spec (${columnDefinitions(options.spec)})`);
  const found = `(FROM columns_of_spec UNION ALL BY NAME FROM ${parquet(paths)})`;
  const rows = added?.replaced?.(found) ?? found;
  await copyToParquet(connection, added === undefined ? rows : `${rows} ORDER BY kafka_offset`, path, {
    compression: options.compression,
    metadata,
    rowGroupRows: rowGroupRows(runs),
  });
}

/** Whether a file lacks a column of the spec: it was written when there was none. */
export async function lacksColumns(
  connection: DuckDBConnection,
  { dataDir, spec }: Pick<JoinedFileOptions, 'dataDir' | 'spec'>,
  { name }: LedgerFile,
): Promise<boolean> {
  const found = await rowsOf(connection, `SELECT name FROM parquet_schema(${literal(join(dataDir, name))})`);
  const columns = new Set(found.map((column) => column.name));
  return tableColumns(spec).some((column) => !columns.has(column.name));
}

interface FileRun extends RowRun {
  /** Files may not say how much text they have: then it is what all their columns are without compression. */
  readonly isExact: boolean;
}

/** The rows of each file. @param paths at least one; absolute, or of objects */
export async function runsOf(connection: DuckDBConnection, paths: readonly string[]): Promise<FileRun[]> {
  const list = `[${paths.map(literal).join(', ')}]`;
  const files = await rowsOf(
    connection,
    `SELECT num_rows::DOUBLE AS rows, text_bytes IS NOT NULL AS is_exact,
       coalesce(text_bytes, column_bytes)::DOUBLE AS text_bytes
     FROM parquet_file_metadata(${list})
     JOIN (SELECT file_name, sum(total_uncompressed_size) AS column_bytes FROM parquet_metadata(${list}) GROUP BY ALL)
       USING (file_name)
     LEFT JOIN (SELECT file_name, try_cast(decode(value) AS BIGINT) AS text_bytes FROM parquet_kv_metadata(${list})
       WHERE key = encode(${literal(TEXT_BYTES_KEY)})) USING (file_name)
     ORDER BY file_name`,
  );
  return files.map(({ rows, text_bytes, is_exact }) => ({
    rows: Number(rows),
    textBytes: Number(text_bytes),
    isExact: is_exact === true,
  }));
}

/** What a new database could be made from: of batches without rows, nothing but these sums is in any file. */
async function metadataOf(
  connection: DuckDBConnection,
  { topic }: Pick<JoinedFileOptions, 'topic'>,
  files: readonly LedgerFile[],
  paths: readonly string[],
): Promise<Map<string, string>> {
  const [{ partition, start }, { next }] = [files[0], files[files.length - 1]];
  const [counts] = await rowsOf(
    connection,
    `SELECT sum(rows_merged + rows_duplicate + rows_marker) AS messages_ok, ${SUMS},
       array_to_string(list_sort(list_distinct(flatten(list(schema_ids)))), ' ') AS schema_ids
     FROM sluice.batches WHERE topic = ${literal(topic)} AND partition_id = ${partition}
       AND start_offset >= ${start} AND next_offset <= ${next}`,
  );
  const [known] = await rowsOf(
    connection,
    `SELECT max(value) FILTER (key = 'sluice.leader_epoch') AS leader_epoch,
       CASE WHEN count(*) FILTER (key = 'sluice.format') = ${files.length}
         THEN min(value) FILTER (key = 'sluice.format') END AS format
     FROM (SELECT decode(key) AS key, try_cast(decode(value) AS INTEGER) AS value
       FROM parquet_kv_metadata([${paths.map(literal).join(', ')}]))`,
  );
  const values = { topic, partition, start_offset: start, next_offset: next, ...counts, ...known };
  return new Map(
    Object.entries(values).flatMap(([key, value]) =>
      value === null || value === '' ? [] : [[`sluice.${key}`, String(value)]],
    ),
  );
}
