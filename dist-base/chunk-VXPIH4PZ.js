import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  INLINED_BYTES,
  STRING_BYTES,
  VECTOR_ROWS,
  stringForms
} from "./chunk-KYH7TSYC.js";
import {
  require_lib
} from "./chunk-ZIERCETT.js";
import {
  tableColumns
} from "./chunk-6JEHCNW6.js";
import {
  assert
} from "./chunk-OOJGYMCI.js";
import {
  __toESM
} from "./chunk-YJDLZ72D.js";

// src/parquet/data-chunks.ts
var import_node_api = __toESM(require_lib(), 1);
import bindings from "@duckdb/node-bindings";
var TYPES = {
  utf8: import_node_api.VARCHAR,
  decimal18_4: (0, import_node_api.DECIMAL)(18, 4),
  timestamp_us_utc: import_node_api.TIMESTAMPTZ,
  date32: import_node_api.DATE,
  int64: import_node_api.BIGINT,
  uint64: import_node_api.UBIGINT,
  int32: import_node_api.INTEGER,
  bool: import_node_api.BOOLEAN
};
var DataChunks = class {
  #columns;
  /** Owns the text: a vector per text column, an element per record batch. */
  #texts;
  #recordBatches = [];
  /** Of each record batch: the address of each column's text, 0 for other columns. */
  #addresses = [];
  #recordBatch = 0;
  #row = 0;
  #stringForms;
  constructor(spec, forms = stringForms) {
    this.#stringForms = forms;
    this.#columns = tableColumns(spec);
    this.#texts = import_node_api.DuckDBDataChunk.create(this.#columns.filter(({ type }) => type === "utf8").map(() => import_node_api.BLOB));
  }
  /** Names and types of the columns, in the order of the schema. */
  get columns() {
    return this.#columns.map(({ name, type }) => ({ name, type: TYPES[type] }));
  }
  /** Starts on other record batches. Their text is copied; chunks refer to it until the next `load`. */
  load(recordBatches) {
    assert(recordBatches.length <= VECTOR_ROWS, "a vector has an element for each record batch");
    this.#texts.reset();
    this.#recordBatches = recordBatches;
    this.#addresses = recordBatches.map(({ data }, index) => this.#loadTexts(data.children, index));
    this.rewind();
  }
  /** Starts with the first row again. */
  rewind() {
    this.#recordBatch = 0;
    this.#row = 0;
  }
  /** Fills an empty chunk with the next rows. @returns how many; 0 after the last one */
  next(chunk) {
    while (this.#recordBatches[this.#recordBatch]?.numRows === this.#row) {
      this.#recordBatch++;
      this.#row = 0;
    }
    const recordBatch = this.#recordBatches[this.#recordBatch];
    const rows = recordBatch === void 0 ? 0 : Math.min(VECTOR_ROWS, recordBatch.numRows - this.#row);
    if (rows > 0) {
      for (const [index, column] of recordBatch.data.children.entries()) {
        const vector = bindings.data_chunk_get_vector(chunk.chunk, index);
        this.#copyColumn(vector, column, index, rows);
        copyValidity(vector, column, this.#row, rows);
      }
      this.#row += rows;
    }
    chunk.rowCount = rows;
    return rows;
  }
  #copyColumn(vector, column, index, rows) {
    const { type } = this.#columns[index];
    const from = this.#row;
    const values = column.values;
    const copy = (source, at, bytes) => bindings.copy_data_to_vector(vector, 0, source, at, bytes);
    if (type === "utf8") {
      const { buffer, byteOffset } = this.#stringForms(column, from, rows, this.#addresses[this.#recordBatch][index]);
      copy(buffer, byteOffset, rows * STRING_BYTES);
    } else if (type === "decimal18_4") {
      fillDecimals(values, from, rows);
      copy(words.buffer, 0, rows * 8);
    } else if (type === "bool") {
      fillBooleans(column.values, from, rows);
      copy(booleans.buffer, 0, rows);
    } else {
      const width = type === "int32" || type === "date32" ? 4 : 8;
      copy(values.buffer, values.byteOffset + from * width, rows * width);
    }
  }
  #loadTexts(columns, element) {
    let textColumn = 0;
    return columns.map((column, index) => {
      if (this.#columns[index].type !== "utf8") return 0n;
      const vector = bindings.data_chunk_get_vector(this.#texts.chunk, textColumn++);
      const bytes = column.values;
      if (bytes.byteLength <= INLINED_BYTES) return 0n;
      bindings.vector_assign_string_element_len(vector, element, bytes);
      const form = bindings.vector_get_data(vector, (element + 1) * STRING_BYTES);
      return new DataView(form.buffer, form.byteOffset + element * STRING_BYTES).getBigUint64(8, true);
    });
  }
};
var words = new Int32Array(VECTOR_ROWS * 2);
var booleans = new Uint8Array(VECTOR_ROWS);
function copyValidity(vector, { nullBitmap, nullCount }, from, rows) {
  if (nullCount === 0) return;
  bindings.vector_ensure_validity_writable(vector);
  const at = nullBitmap.byteOffset + (from >> 3);
  bindings.copy_data_to_vector_validity(vector, 0, nullBitmap.buffer, at, rows + 7 >> 3);
}
function fillDecimals(decimals, from, rows) {
  for (let row = 0, at = from * 4; row < rows; row++, at += 4) {
    words[row * 2] = decimals[at];
    words[row * 2 + 1] = decimals[at + 1];
  }
}
function fillBooleans(bits, from, rows) {
  for (let row = 0, at = from; row < rows; row++, at++) booleans[row] = bits[at >> 3] >> (at & 7) & 1;
}

export {
  DataChunks
};
//# sourceMappingURL=chunk-VXPIH4PZ.js.map
