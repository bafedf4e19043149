/** The Arrow form of the table: what the kernel fills, Parquet stores and DuckDB takes in. */
import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Field,
  FixedSizeBinary,
  Float64,
  Int32,
  Int64,
  type RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  TimestampMicrosecond,
  Uint64,
  Utf8,
  util,
} from 'apache-arrow';
import { assert } from '../core/errors.js';
import { type ColumnType, type TableColumn, type TableSpec, tableColumns } from './spec.js';

const ARROW_TYPES: Record<ColumnType, (column: TableColumn) => DataType> = {
  utf8: () => new Utf8(),
  decimal: ({ size }) => new Decimal(size!.scale, size!.precision, 128),
  timestamp_us_utc: () => new TimestampMicrosecond('UTC'),
  date32: () => new DateDay(),
  int64: () => new Int64(),
  uint64: () => new Uint64(),
  int32: () => new Int32(),
  double: () => new Float64(),
  bool: () => new Bool(),
  // The highest byte first, as RFC 9562 has them.
  uuid: () => new FixedSizeBinary(16),
  binary: () => new Binary(),
};

/** One field per column of `tableColumns(spec)`, in that order. */
export function arrowSchema(spec: TableSpec): Schema {
  return new Schema(
    tableColumns(spec).map((column) => new Field(column.name, ARROW_TYPES[column.type](column), column.nullable)),
  );
}

/**
 * Record batches as an Arrow IPC stream, which copies their memory once.
 * @param schema of all of them: the library's writer would end the stream before a batch of another one, silently
 */
export function toIpcStream(schema: Schema, recordBatches: readonly RecordBatch[]): Uint8Array {
  const writer = new RecordBatchStreamWriter({ autoDestroy: true });
  writer.reset(undefined, schema);
  for (const recordBatch of recordBatches) {
    assert(util.compareSchemas(recordBatch.schema, schema), 'record batches have the schema of their stream');
    writer.write(recordBatch);
  }
  return writer.finish().toUint8Array(true);
}
