import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  ChunkViews
} from "../chunk-TBKYUH34.js";
import {
  Binary,
  Data,
  Field,
  Int64,
  RecordBatch,
  Schema,
  Struct,
  TimestampMillisecond,
  makeData
} from "../chunk-TONEWEO2.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";

// src/core/messages.ts
var MESSAGE_SCHEMA = new Schema([
  new Field("offset", new Int64(), false),
  new Field("timestamp", new TimestampMillisecond("UTC"), false),
  new Field("key", new Binary(), true),
  new Field("value", new Binary(), true)
]);
function asRecordBatch(handle) {
  const { rows } = handle;
  const views = ChunkViews.of(handle);
  const [offset, timestamp, key, value] = MESSAGE_SCHEMA.fields.map(({ type }) => type);
  const binary = (type, offsets, bytes, validity) => new Data(type, 0, rows, -1, [offsets.subarray(0, rows + 1), bytes, validity]);
  const children = [
    new Data(offset, 0, rows, 0, [void 0, views.offsets.subarray(0, rows)]),
    new Data(timestamp, 0, rows, 0, [void 0, views.timestamps.subarray(0, rows)]),
    binary(key, views.keyOffsets, views.keys, views.keyValidity),
    binary(value, views.valueOffsets, views.values, views.valueValidity)
  ];
  const struct = makeData({ type: new Struct(MESSAGE_SCHEMA.fields), length: rows, nullCount: 0, children });
  return new RecordBatch(MESSAGE_SCHEMA, struct);
}
export {
  MESSAGE_SCHEMA,
  asRecordBatch
};
//# sourceMappingURL=messages.js.map
