import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Bool,
  DateDay,
  Decimal,
  Field,
  Int32,
  Int64,
  RecordBatchStreamWriter,
  Schema,
  TimestampMicrosecond,
  Uint64,
  Utf8,
  util
} from "./chunk-TONEWEO2.js";
import {
  tableColumns
} from "./chunk-6JEHCNW6.js";
import {
  assert
} from "./chunk-YDIRAWJT.js";

// src/schema/arrow.ts
var ARROW_TYPES = {
  utf8: () => new Utf8(),
  decimal18_4: () => new Decimal(4, 18, 128),
  timestamp_us_utc: () => new TimestampMicrosecond("UTC"),
  date32: () => new DateDay(),
  int64: () => new Int64(),
  uint64: () => new Uint64(),
  int32: () => new Int32(),
  bool: () => new Bool()
};
function arrowSchema(spec) {
  return new Schema(
    tableColumns(spec).map(({ name, type, nullable }) => new Field(name, ARROW_TYPES[type](), nullable))
  );
}
function toIpcStream(schema, recordBatches) {
  const writer = new RecordBatchStreamWriter({ autoDestroy: true });
  writer.reset(void 0, schema);
  for (const recordBatch of recordBatches) {
    assert(util.compareSchemas(recordBatch.schema, schema), "record batches have the schema of their stream");
    writer.write(recordBatch);
  }
  return writer.finish().toUint8Array(true);
}

export {
  arrowSchema,
  toIpcStream
};
//# sourceMappingURL=chunk-V3EL5LOM.js.map
