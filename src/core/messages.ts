/** What a chunk holds, as Arrow names it: a record batch of messages in shared memory. */
import { Binary, Data, Field, Int64, makeData, RecordBatch, Schema, Struct, TimestampMillisecond } from 'apache-arrow';
import { ChunkViews } from './chunk.js';
import type { ChunkHandle } from './flow.js';

/** A row per message, in offset order. A null value is a tombstone; a timestamp of -1 is none. */
export const MESSAGE_SCHEMA = new Schema([
  new Field('offset', new Int64(), false),
  new Field('timestamp', new TimestampMillisecond('UTC'), false),
  new Field('key', new Binary(), true),
  new Field('value', new Binary(), true),
]);

/** The messages of a chunk. Nothing is copied: it is valid as long as the chunk is not released. */
export function asRecordBatch(handle: ChunkHandle): RecordBatch {
  const { rows } = handle;
  const views = ChunkViews.of(handle);
  const [offset, timestamp, key, value] = MESSAGE_SCHEMA.fields.map(({ type }) => type);
  /** Null counts are taken from the bits. */
  const binary = (type: typeof key, offsets: Int32Array, bytes: Uint8Array, validity: Uint8Array) =>
    new Data(type, 0, rows, -1, [offsets.subarray(0, rows + 1), bytes, validity]);
  const children = [
    new Data(offset, 0, rows, 0, [undefined, views.offsets.subarray(0, rows)]),
    new Data(timestamp, 0, rows, 0, [undefined, views.timestamps.subarray(0, rows)]),
    binary(key, views.keyOffsets, views.keys, views.keyValidity),
    binary(value, views.valueOffsets, views.values, views.valueValidity),
  ];
  const struct = makeData({ type: new Struct(MESSAGE_SCHEMA.fields), length: rows, nullCount: 0, children });
  return new RecordBatch(MESSAGE_SCHEMA, struct);
}
