/** Random rows of every column type, as Arrow and as DuckDB gives them back. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { type Data, makeData, RecordBatch, Struct } from 'apache-arrow';
import { setBit } from '../../src/core/chunk.js';
import { rowsOf } from '../../src/core/sql.js';
import { arrowSchema } from '../../src/schema/arrow.js';
import { type ColumnType, hasOffsets, type TableColumn, tableColumns } from '../../src/schema/spec.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import type { Random } from './random.js';

/** A column of every kind. */
export const SPEC = parseSpec(
  JSON.stringify({
    table: 'changes',
    view: 'newest',
    columns: [
      { name: 'id', kind: 'text', required: true, role: 'change_id' },
      { name: 'order', kind: 'text', required: true, role: 'key' },
      { name: 'group', kind: 'json' },
      { name: 'amount', kind: 'amount', raw: 'amount_raw' },
      ...[2, 4, 9, 18, 19, 38].map((precision) => ({
        ...{ name: `decimal_${precision}`, kind: 'decimal', precision, scale: precision - 1 },
      })),
      { name: 'moment', kind: 'timestamp' },
      { name: 'day', kind: 'date' },
      { name: 'number', kind: 'int64' },
      { name: 'double', kind: 'double' },
      { name: 'flag', kind: 'bool' },
      { name: 'uuid', kind: 'uuid' },
      { name: 'bytes', kind: 'binary' },
    ],
  }),
  'test',
);
export const COLUMNS = tableColumns(SPEC);
const ALPHABET = ['a', 'é', '€', '😀', '"', '\0'];

/** The ends of the range and values near 0 as often as all values between: columns have few values, and many. */
function between(random: Random, least: bigint, most: bigint): bigint {
  const ends = [0n, 1n, -1n, -(2n ** 32n), least, most].filter((value) => value >= least && value <= most);
  if (random.next() < 0.5) return random.pick(ends);
  const wide = (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32));
  return least + (wide % (most - least + 1n));
}

const PICKS: Record<ColumnType, (random: Random, column: TableColumn) => Exclude<Value, null>> = {
  utf8: (random) => Array.from({ length: random.below(41) }, () => random.pick(ALPHABET)).join(''),
  decimal: (random, { size }) => {
    const limit = 10n ** BigInt(size!.precision);
    return between(random, 1n - limit, limit - 1n);
  },
  timestamp_us_utc: (random) => between(random, -62_135_596_800_000_000n, 253_402_300_799_999_999n),
  date32: (random) => between(random, -719_162n, 2_932_896n),
  int64: (random) => between(random, -(2n ** 63n), 2n ** 63n - 1n),
  uint64: (random) => between(random, 0n, 2n ** 64n - 1n),
  int32: (random) => between(random, -(2n ** 31n), 2n ** 31n - 1n),
  double: (random) => random.pick([0, 0.1, -1.5e300, 5e-324, random.next()]),
  bool: (random) => random.next() < 0.5,
  uuid: (random) => random.hex(8).repeat(4),
  binary: (random) => random.hex(2).repeat(random.below(41)),
};

/** Bytes are upper-case hex digits. */
export type Value = string | bigint | number | boolean | null;

function columnData(type: ColumnType, values: readonly Value[], column: number): Data {
  const length = values.length;
  const field = arrowSchema(SPEC).fields[column];
  const nullBitmap = new Uint8Array((length + 7) >> 3);
  for (const [row, value] of values.entries()) setBit(nullBitmap, row, value !== null);
  const base = { type: field.type, length, nullCount: values.filter((value) => value === null).length, nullBitmap };
  if (hasOffsets(type)) {
    const encoding = type === 'utf8' ? 'utf8' : 'hex';
    const parts = values.map((value) => Buffer.from((value as string | null) ?? '', encoding));
    const valueOffsets = new Int32Array(length + 1);
    for (const [row, part] of parts.entries()) valueOffsets[row + 1] = valueOffsets[row] + part.length;
    return makeData({ ...base, valueOffsets, data: new Uint8Array(Buffer.concat(parts)) } as never);
  }
  if (type === 'uuid') {
    const hex = values.map((value) => value ?? '0'.repeat(32)).join('');
    return makeData({ ...base, data: new Uint8Array(Buffer.from(hex, 'hex')) } as never);
  }
  if (type === 'bool') {
    const data = new Uint8Array((length + 7) >> 3);
    for (const [row, value] of values.entries()) setBit(data, row, value === true);
    return makeData({ ...base, data } as never);
  }
  if (type === 'double') {
    return makeData({ ...base, data: Float64Array.from(values, (value) => Number(value)) } as never);
  }
  const numbers = values.map((value) => (value as bigint | null) ?? 0n);
  if (type === 'int32' || type === 'date32')
    return makeData({ ...base, data: Int32Array.from(numbers, Number) } as never);
  const data =
    type === 'decimal'
      ? new Uint32Array(BigInt64Array.from(numbers.flatMap((number) => [number, number >> 64n])).buffer)
      : type === 'uint64'
        ? BigUint64Array.from(numbers)
        : BigInt64Array.from(numbers);
  return makeData({ ...base, data } as never);
}

/** Random rows of all columns; with `nulls`, every fifth value of a nullable column is null. */
export function randomColumns(rows: number, random: Random, nulls: boolean): Value[][] {
  return COLUMNS.map((column) =>
    Array.from({ length: rows }, () =>
      nulls && column.nullable && random.below(5) === 0 ? null : PICKS[column.type](random, column),
    ),
  );
}

/** Columns as one record batch. */
export function recordBatchOf(columns: readonly Value[][]): RecordBatch {
  const schema = arrowSchema(SPEC);
  const children = columns.map((values, index) => columnData(COLUMNS[index].type, values, index));
  const struct = makeData({ type: new Struct(schema.fields), length: columns[0].length, nullCount: 0, children });
  return new RecordBatch(schema, struct);
}

/** How a column is read back: as its bytes or its 64 bits, past every conversion for display. */
function asStored({ name, type }: TableColumn): string {
  if (type === 'timestamp_us_utc') return `epoch_us("${name}")`;
  if (type === 'date32') return `date_diff('day', DATE '1970-01-01', "${name}")::HUGEINT`;
  // Its digits, past the highest of all decimals.
  if (type === 'decimal') return `replace("${name}"::VARCHAR, '.', '')::HUGEINT`;
  if (type === 'uuid') return `upper(replace("${name}"::UUID::VARCHAR, '-', ''))`;
  if (type === 'binary') return `hex("${name}")`;
  return type === 'utf8' || type === 'bool' || type === 'double' ? `"${name}"` : `"${name}"::HUGEINT`;
}

/** All rows of a relation, in its order. */
export async function readBack(connection: DuckDBConnection, relation: string): Promise<Value[][]> {
  const rows = await rowsOf(connection, `SELECT ${COLUMNS.map(asStored).join(', ')} FROM ${relation}`);
  return rows.map((row) => Object.values(row) as Value[]);
}

/** Columns as rows. */
export const transpose = (columns: readonly Value[][]) =>
  columns[0].map((_, row) => columns.map((values) => values[row]));
