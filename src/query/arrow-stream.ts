/** Chunks of a result → an Arrow IPC stream. */
import type { DuckDBDataChunk } from '@duckdb/node-api';
import bindings from '@duckdb/node-bindings';
import { AsyncByteQueue, Field, makeData, RecordBatch, RecordBatchStreamWriter, Schema, Struct } from 'apache-arrow';
import { addBytes, isOfAnyLength } from './arrow-sizes.js';
import { arrowType } from './arrow-types.js';
import { arrowColumn } from './arrow-vectors.js';
import type { QueryChunks } from './read-only.js';
import type { ValueType } from './values.js';

/** Text and lists of a record batch: a chunk of DuckDB has 2,048 rows, however long they are. */
const BATCH_BYTES = 1 << 20;

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

/**
 * The schema is that of the result's types, whatever its rows are. Each piece has whole messages.
 * @throws SluiceError SLUICE_QUERY
 */
export async function* arrowStream({ columns, types, timeZone, chunks }: QueryChunks): AsyncGenerator<Uint8Array> {
  const fields = columns.map((name, index) => new Field(name, arrowType(types[index], timeZone), true));
  const schema = new Schema(fields);
  const encoded = new EncodedBytes();
  const writer = new RecordBatchStreamWriter();
  writer.reset(encoded, schema);
  yield encoded.take();
  for await (const chunk of chunks) {
    const size = chunk.rowCount;
    const vectors = fields.map((_, index) => bindings.data_chunk_get_vector(chunk.chunk, index));
    for (const { from, length } of parts(chunk, types)) {
      const children = fields.map(({ type }, index) =>
        arrowColumn(vectors[index], types[index], type, { size, from, length }, timeZone),
      );
      const data = makeData({ type: new Struct(fields), length, nullCount: 0, children });
      writer.write(new RecordBatch(schema, data));
      yield encoded.take();
    }
  }
  writer.finish();
  yield encoded.take();
}

/** The rows of a chunk, in parts of so many bytes. */
function* parts(chunk: DuckDBDataChunk, types: readonly ValueType[]): Generator<{ from: number; length: number }> {
  const size = chunk.rowCount;
  const bytes = new Float64Array(size);
  for (const [index, type] of types.entries()) {
    if (isOfAnyLength(type)) addBytes(bindings.data_chunk_get_vector(chunk.chunk, index), type, bytes);
  }
  let from = 0;
  let sum = 0;
  for (let row = 0; row < size; row++) {
    sum += bytes[row];
    if (sum < BATCH_BYTES) continue;
    yield { from, length: row + 1 - from };
    from = row + 1;
    sum = 0;
  }
  if (from < size) yield { from, length: size - from };
}
