/** Rows of a query → an Arrow IPC stream, a record batch per block of rows. */
import { AsyncByteQueue, Field, makeData, RecordBatch, RecordBatchStreamWriter, Schema, Struct } from 'apache-arrow';
import type { QueryRows } from '../query/read-only.js';
import { arrowData, arrowType } from './arrow-types.js';

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

/** The schema is that of the result's types, whatever its rows are. */
export async function* arrowStream({ columns, types, timeZone, batches }: QueryRows): AsyncGenerator<Uint8Array> {
  const fields = columns.map((name, index) => new Field(name, arrowType(types[index], timeZone), true));
  const schema = new Schema(fields);
  const encoded = new EncodedBytes();
  const writer = new RecordBatchStreamWriter();
  writer.reset(encoded, schema);
  for await (const rows of batches) {
    const children = fields.map(({ type }, index) =>
      arrowData(
        types[index],
        type,
        rows.map((row) => row[index]),
        timeZone,
      ),
    );
    const data = makeData({ type: new Struct(fields), length: rows.length, nullCount: 0, children });
    writer.write(new RecordBatch(schema, data));
    yield encoded.take();
  }
  writer.finish();
  yield encoded.take();
}
