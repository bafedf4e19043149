/** How the kernel lays out the values of each column type: the one table that a new type needs here. */
import type { ColumnType } from '../schema/spec.js';

type Values = Uint8Array | Uint32Array | Int32Array | BigInt64Array | BigUint64Array | Float64Array;

interface ColumnLayout {
  /** Bytes per row of the fixed part, which is offsets for text and bytes; a bit is an eighth. */
  readonly rowBytes: number;
  /** The values of the first `rows` rows at `at`, as Arrow has them. @param textBytes of text and bytes only */
  view(buffer: ArrayBuffer, at: number, rows: number, textBytes: number): Values;
}

export const COLUMN_LAYOUTS: Readonly<Record<ColumnType, ColumnLayout>> = {
  utf8: { rowBytes: 4, view: (buffer, at, _, textBytes) => new Uint8Array(buffer, at, textBytes) },
  decimal: { rowBytes: 16, view: (buffer, at, rows) => new Uint32Array(buffer, at, rows * 4) },
  timestamp_us_utc: { rowBytes: 8, view: (buffer, at, rows) => new BigInt64Array(buffer, at, rows) },
  date32: { rowBytes: 4, view: (buffer, at, rows) => new Int32Array(buffer, at, rows) },
  int64: { rowBytes: 8, view: (buffer, at, rows) => new BigInt64Array(buffer, at, rows) },
  uint64: { rowBytes: 8, view: (buffer, at, rows) => new BigUint64Array(buffer, at, rows) },
  int32: { rowBytes: 4, view: (buffer, at, rows) => new Int32Array(buffer, at, rows) },
  double: { rowBytes: 8, view: (buffer, at, rows) => new Float64Array(buffer, at, rows) },
  bool: { rowBytes: 1 / 8, view: (buffer, at, rows) => new Uint8Array(buffer, at, (rows + 7) >> 3) },
  uuid: { rowBytes: 16, view: (buffer, at, rows) => new Uint8Array(buffer, at, rows * 16) },
  binary: { rowBytes: 4, view: (buffer, at, _, bytes) => new Uint8Array(buffer, at, bytes) },
};
