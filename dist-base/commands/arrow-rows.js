import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  arrowData,
  arrowType
} from "../chunk-QPI3CKGS.js";
import {
  AsyncByteQueue,
  Field,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  makeData
} from "../chunk-TONEWEO2.js";
import "../chunk-DGXFOAQC.js";
import "../chunk-GJN24UZD.js";
import "../chunk-ZIERCETT.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";

// src/commands/arrow-rows.ts
var EncodedBytes = class extends AsyncByteQueue {
  #pieces = [];
  write(piece) {
    this.#pieces.push(piece);
  }
  take() {
    const bytes = Buffer.concat(this.#pieces);
    this.#pieces = [];
    return bytes;
  }
};
async function* arrowStream({ columns, types, timeZone, batches }) {
  const fields = columns.map((name, index) => new Field(name, arrowType(types[index], timeZone), true));
  const schema = new Schema(fields);
  const encoded = new EncodedBytes();
  const writer = new RecordBatchStreamWriter();
  writer.reset(encoded, schema);
  for await (const rows of batches) {
    const children = fields.map(
      ({ type }, index) => arrowData(
        types[index],
        type,
        rows.map((row) => row[index]),
        timeZone
      )
    );
    const data = makeData({ type: new Struct(fields), length: rows.length, nullCount: 0, children });
    writer.write(new RecordBatch(schema, data));
    yield encoded.take();
  }
  writer.finish();
  yield encoded.take();
}
export {
  arrowStream
};
//# sourceMappingURL=arrow-rows.js.map
