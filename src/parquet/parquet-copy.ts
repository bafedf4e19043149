/** Rows of a DuckDB relation → Parquet file: what DuckDB's files have in common. */
import type { DuckDBConnection, DuckDBListValue } from '@duckdb/node-api';
import { literal, rowsOf } from '../core/sql.js';
import type { ParquetCompression } from './parquet-writer.js';

/** Options of COPY. Level 1 of zstd costs less than DuckDB's usual 3 and makes files as small. */
const CODECS: Record<ParquetCompression, string> = {
  zstd: 'COMPRESSION zstd, COMPRESSION_LEVEL 1',
  snappy: 'COMPRESSION snappy',
  lz4: 'COMPRESSION lz4_raw',
  none: 'COMPRESSION uncompressed',
};

/** A column with more values than this in a row group has no dictionary: to keep looking costs more than it saves. */
const MAX_DICTIONARY_VALUES = 1000;

export interface ParquetCopy {
  readonly compression: ParquetCompression;
  /** Key-value metadata of the file; at least one entry. */
  readonly metadata: ReadonlyMap<string, string>;
  /** A row group ends with the first vector that brings it to so many rows. */
  readonly rowGroupRows: number;
}

/**
 * Writes a new file; it is not yet durable.
 * @param relation what FROM takes
 */
export async function copyToParquet(
  connection: DuckDBConnection,
  relation: string,
  path: string,
  copy: ParquetCopy,
): Promise<void> {
  await connection.run(`COPY (FROM ${relation}) TO ${literal(path)} (${format(copy)}, USE_TMP_FILE false)`);
}

/**
 * Writes new files of about so many bytes, none if there are no rows; they are not yet durable.
 * @param relation what FROM takes
 * @param name of the files; with `{uuidv7}` in it
 * @returns their paths
 */
export async function copyToParquetFiles(
  connection: DuckDBConnection,
  relation: string,
  folder: string,
  name: string,
  fileBytes: number,
  copy: ParquetCopy,
): Promise<string[]> {
  const files = `APPEND, WRITE_EMPTY_FILE false, FILE_SIZE_BYTES ${fileBytes}, FILENAME_PATTERN ${literal(name)}`;
  const sql = `COPY (FROM ${relation}) TO ${literal(folder)} (${format(copy)}, ${files}, RETURN_FILES)`;
  const [{ Files }] = await rowsOf(connection, sql);
  return (Files as DuckDBListValue).items.map(String);
}

function format({ compression, metadata, rowGroupRows }: ParquetCopy): string {
  const entries = [...metadata].map(([key, value]) => `${literal(key)}: ${literal(value)}`);
  // Version 2 has delta encodings, which DuckDB chooses if a dictionary does not pay.
  return `FORMAT parquet, PARQUET_VERSION v2, ${CODECS[compression]}, ROW_GROUP_SIZE ${rowGroupRows},
    DICTIONARY_SIZE_LIMIT ${MAX_DICTIONARY_VALUES}, KV_METADATA {${entries.join(', ')}}`;
}
