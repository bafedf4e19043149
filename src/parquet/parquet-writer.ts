/** Arrow → the bytes of a Parquet file: what a worker asks of a library, and what all files have in common. */
import type { RecordBatch } from 'apache-arrow';
import type { ParquetSettings } from './settings.js';

/** The libraries that write Parquet files, as PARQUET_WRITER names them. */
export type ParquetWriterName = ParquetSettings['parquetWriter'];

/** As PARQUET_COMPRESSION names them; zstd is of level 1. */
export type ParquetCompression = ParquetSettings['compression'];

/**
 * Writes one file at a time. Files of all writers have the same columns: DECIMAL(18,4) in an INT64, timestamps in
 * microseconds of UTC, dictionaries only for columns of few values, the statistics of each column chunk, and row groups
 * as row-groups.ts bounds them. Only whether a column is marked as required depends on the writer: DuckDB never does.
 * Where a file goes and how it becomes durable is for the caller (staged-file.ts).
 */
export interface ParquetWriter {
  /**
   * Writes a new file, which is not yet durable. What is left of it after a failure is for the caller to remove.
   * @param recordBatches schema of arrow.ts, at least one row; may be views, which must stay as they are meanwhile
   * @param path in a folder that exists
   * @param metadata key-value metadata of the file, at least one entry
   * @throws the error of the library or of the file system
   */
  write(recordBatches: readonly RecordBatch[], path: string, metadata: ReadonlyMap<string, string>): Promise<void>;
  /** The size of an object that it has written. Only of a writer that can write to an object store. */
  bytesOf(path: string): Promise<number>;
  /** Gives back what the library holds; the end of the thread does so, too. */
  close(): Promise<void>;
}
