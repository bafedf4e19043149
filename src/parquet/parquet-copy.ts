/** Rows of a DuckDB relation → Parquet file: what DuckDB's files have in common. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { literal } from '../core/sql.js';
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
  { compression, metadata, rowGroupRows }: ParquetCopy,
): Promise<void> {
  const entries = [...metadata].map(([key, value]) => `${literal(key)}: ${literal(value)}`);
  // Version 2 has delta encodings, which DuckDB chooses if a dictionary does not pay.
  await connection.run(
    `COPY (FROM ${relation}) TO ${literal(path)} (
       FORMAT parquet, PARQUET_VERSION v2, ${CODECS[compression]}, ROW_GROUP_SIZE ${rowGroupRows},
       DICTIONARY_SIZE_LIMIT ${MAX_DICTIONARY_VALUES}, USE_TMP_FILE false,
       KV_METADATA {${entries.join(', ')}})`,
  );
}
