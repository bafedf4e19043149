/** The kernel's rows as JSON can say them without loss, in the columns that a message alone gives. */
import type { RecordBatch } from 'apache-arrow';
import { bit } from '../core/chunk.js';
import { type TableColumn, type TableSpec, tableColumns } from '../schema/spec.js';

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** The columns that a message alone gives, with their places among all of the table. */
export function messageColumns(spec: TableSpec): readonly { readonly column: TableColumn; readonly index: number }[] {
  return tableColumns(spec)
    .map((column, index) => ({ column, index }))
    .filter(({ column }) => !OF_KAFKA.has(column.name));
}

/** Rows [from, to) of a record batch of the kernel: an object of names and values for each. */
export function rowsOf(spec: TableSpec, batch: RecordBatch, from = 0, to = batch.numRows): Record<string, unknown>[] {
  const cells = messageColumns(spec).map(({ column, index }) => ({
    name: column.name,
    at: cellsOf(batch, index, column),
  }));
  return Array.from({ length: to - from }, (_, row) =>
    Object.fromEntries(cells.map(({ name, at }) => [name, at(from + row)])),
  );
}

/** Columns whose values come with Kafka. */
const OF_KAFKA: ReadonlySet<string> = new Set(['is_late', 'kafka_partition', 'kafka_offset', 'kafka_timestamp']);

/** A row's value of a column, as JSON can say it without loss. */
function cellsOf(batch: RecordBatch, index: number, { type, size }: TableColumn): (row: number) => unknown {
  const { values, valueOffsets, nullBitmap } = batch.data.children[index];
  const orNull = (read: (row: number) => unknown) => (row: number) =>
    nullBitmap !== undefined && nullBitmap.length > 0 && !bit(nullBitmap, row) ? null : read(row);
  switch (type) {
    case 'utf8':
      return orNull((row) => utf8.decode(values.subarray(valueOffsets[row], valueOffsets[row + 1])));
    case 'binary':
      return orNull((row) => base64Text(values.subarray(valueOffsets[row], valueOffsets[row + 1])));
    case 'uuid':
      return orNull((row) => uuidText(values.subarray(row * 16, row * 16 + 16)));
    case 'bool':
      return orNull((row) => bit(values, row));
    case 'double':
      return orNull((row) => values[row]);
    case 'decimal': {
      const halves = new BigInt64Array(values.buffer, values.byteOffset, batch.numRows * 2);
      const scaled = (row: number) => (halves[row * 2 + 1] << 64n) | BigInt.asUintN(64, halves[row * 2]);
      return orNull((row) => decimalText(scaled(row), size!.scale));
    }
    case 'timestamp_us_utc':
      return orNull((row) => timeText(values[row]));
    case 'date32':
      return orNull((row) => new Date(values[row] * 86_400_000).toISOString().split('T')[0]);
    default:
      return orNull((row) => (Number.isSafeInteger(Number(values[row])) ? Number(values[row]) : String(values[row])));
  }
}

/** @param scaled by 10^scale */
function decimalText(scaled: bigint, scale: number): string {
  const digits = String(scaled < 0n ? -scaled : scaled).padStart(scale + 1, '0');
  const whole = `${scaled < 0n ? '-' : ''}${digits.slice(0, digits.length - scale)}`;
  return scale === 0 ? whole : `${whole}.${digits.slice(-scale)}`;
}

/** In a browser, too. */
function base64Text(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

/** @param bytes 16 */
function uuidText(bytes: Uint8Array): string {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** ISO 8601. @param microseconds since the epoch */
function timeText(microseconds: bigint): string {
  const milliseconds = microseconds / 1000n - (microseconds % 1000n < 0n ? 1n : 0n);
  const rest = String(microseconds - milliseconds * 1000n).padStart(3, '0');
  return new Date(Number(milliseconds)).toISOString().replace('Z', `${rest}Z`);
}
