/**
 * Where the Parquet files of a data directory are, and how they get there durably: written under a hidden temporary
 * name, fsynced, renamed.
 *
 *   <dataDir>/parquet/<topic>/partition=<p>/.<startOffset>-<nextOffset>.parquet.tmp
 *                                           <startOffset>-<nextOffset>.parquet       offsets zero-padded to 20 digits
 */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Where the file of an offset range belongs. */
export function parquetPath(dataDir: string, topic: string, partition: number, start: number, next: number): string {
  const name = `${String(start).padStart(20, '0')}-${String(next).padStart(20, '0')}.parquet`;
  return join(dataDir, 'parquet', topic, `partition=${partition}`, name);
}

/** The temporary name of a file that is not yet counted. */
export function temporaryPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.tmp`);
}

/** Makes the content of a file, or the names in a folder, outlive a power failure. */
export function sync(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
