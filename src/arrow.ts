/** The Arrow form of the table: what the kernel fills, Parquet stores and DuckDB takes in. */
import {
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Field,
  Int32,
  Int64,
  Schema,
  TimestampMicrosecond,
  Uint64,
  Utf8,
} from 'apache-arrow';
import { type ColumnType, type TableSpec, tableColumns } from './spec.js';

const ARROW_TYPES: Record<ColumnType, () => DataType> = {
  utf8: () => new Utf8(),
  decimal18_4: () => new Decimal(4, 18, 128),
  timestamp_us_utc: () => new TimestampMicrosecond('UTC'),
  date32: () => new DateDay(),
  int64: () => new Int64(),
  uint64: () => new Uint64(),
  int32: () => new Int32(),
  bool: () => new Bool(),
};

/** One field per column of `tableColumns(spec)`, in that order. */
export function arrowSchema(spec: TableSpec): Schema {
  return new Schema(
    tableColumns(spec).map(({ name, type, nullable }) => new Field(name, ARROW_TYPES[type](), nullable)),
  );
}
