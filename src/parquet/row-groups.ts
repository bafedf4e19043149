/**
 * How many rows a row group has. Who writes one has all of it in memory, and who reads one a vector of it, which in
 * DuckDB is up to 2,048 rows: with messages of a megabyte that would be 2 GiB, if rows alone bounded it.
 */
import { type Data, DataType, type RecordBatch } from 'apache-arrow';

/** The most rows of a row group: the size of DuckDB's own, and its default for Parquet. */
export const MAX_ROW_GROUP_ROWS = 122_880;
/** The most text of a row group, unless one row has more. */
export const MAX_ROW_GROUP_TEXT_BYTES = 32 << 20;

/** Key of a file's metadata: the bytes of its text. What the file says of its columns is after their encoding. */
export const TEXT_BYTES_KEY = 'sluice.text_bytes';

/** Rows that follow each other and have text of about the same length. */
export interface RowRun {
  /** At least one. */
  readonly rows: number;
  readonly textBytes: number;
}

/** The rows of a record batch. */
export function runOf({ numRows, data }: RecordBatch): RowRun {
  const text = data.children.filter(({ type }) => DataType.isUtf8(type) || DataType.isBinary(type)) as Data[];
  const bytesOf = ({ valueOffsets, length }: Data) => valueOffsets[length] - valueOffsets[0];
  return { rows: numRows, textBytes: text.reduce((sum, column) => sum + bytesOf(column), 0) };
}

/** @returns how many rows a row group of these rows has, at least one */
export function rowGroupRows(runs: readonly RowRun[]): number {
  let rows = MAX_ROW_GROUP_ROWS;
  while (rows > 1 && largestRowGroup(runs, rows) > MAX_ROW_GROUP_TEXT_BYTES) rows = Math.floor(rows / 2);
  return rows;
}

/** @returns bytes of text */
function largestRowGroup(runs: readonly RowRun[], groupRows: number): number {
  let [largest, rows, bytes] = [0, 0, 0];
  for (const run of runs) {
    for (let left = run.rows; left > 0; ) {
      const taken = Math.min(left, groupRows - rows);
      left -= taken;
      rows += taken;
      bytes += (taken * run.textBytes) / run.rows;
      largest = Math.max(largest, bytes);
      if (rows === groupRows) [rows, bytes] = [0, 0];
    }
  }
  return largest;
}
