/** Rows of a query → an Arrow IPC stream, a record batch per block of rows. */
import {
  AsyncByteQueue,
  Bool,
  type DataType,
  Field,
  Float64,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import type { JsonType, QueryRows } from '../query/read-only.js';

/** Arrow's writer puts into it what it has encoded, to be taken at once. */
class EncodedBytes extends AsyncByteQueue {
  #pieces: Uint8Array[] = [];

  override write(piece: Uint8Array): void {
    this.#pieces.push(piece);
  }

  take(): Uint8Array {
    const bytes = Buffer.concat(this.#pieces);
    this.#pieces = [];
    return bytes;
  }
}

/** Booleans as such, numbers as doubles, everything else as text: what is not text already as JSON. */
export async function* arrowStream({ columns, types, batches }: QueryRows): AsyncGenerator<Uint8Array> {
  const fields = columns.map((name, index) => new Field(name, arrowType(types[index]), true));
  const schema = new Schema(fields);
  const encoded = new EncodedBytes();
  const writer = new RecordBatchStreamWriter();
  writer.reset(encoded, schema);
  for await (const rows of batches) {
    const children = fields.map(
      ({ type }, index) =>
        vectorFromArray(
          rows.map((row) => arrowValue(type, row[index])),
          type,
        ).data[0],
    );
    const data = makeData({ type: new Struct(fields), length: rows.length, nullCount: 0, children });
    writer.write(new RecordBatch(schema, data));
    yield encoded.take();
  }
  writer.finish();
  yield encoded.take();
}

function arrowType(type: JsonType): DataType {
  if (type === 'boolean') return new Bool();
  return type === 'number' ? new Float64() : new Utf8();
}

function arrowValue(type: DataType, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (type instanceof Float64) return Number(value);
  return type instanceof Bool || typeof value === 'string' ? value : JSON.stringify(value);
}
