/**
 * Arrow record batches → DuckDB data chunks of 2,048 rows, for an appender or as the rows of a table function.
 *
 * Fixed-width columns are copied as they are, one call each. Of text all bytes go into one element of a vector of its
 * own, instead of one native call per string: that element owns the memory, its address is read back from it, and the
 * forms of the strings (string-forms.ts) point there.
 */
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
  DuckDBDataChunk,
  type DuckDBType,
  INTEGER,
  TIMESTAMPTZ,
  UBIGINT,
  UUID,
  VARCHAR,
} from '@duckdb/node-api';
import bindings from '@duckdb/node-bindings';
import type { Data, RecordBatch } from 'apache-arrow';
import { bit, setBit } from '../core/chunk.js';
import { assert } from '../core/errors.js';
import { INLINED_BYTES, STRING_BYTES, type StringForms, stringForms, VECTOR_ROWS } from '../core/string-forms.js';
import { type ColumnType, hasOffsets, type TableColumn, type TableSpec, tableColumns } from '../schema/spec.js';

const TYPES: Record<Exclude<ColumnType, 'decimal'>, DuckDBType> = {
  utf8: VARCHAR,
  timestamp_us_utc: TIMESTAMPTZ,
  date32: DATE,
  int64: BIGINT,
  uint64: UBIGINT,
  int32: INTEGER,
  double: DOUBLE,
  bool: BOOLEAN,
  uuid: UUID,
  binary: BLOB,
};

/** The rows of record batches with the schema of arrow.ts, chunk by chunk. */
export class DataChunks {
  readonly #columns: readonly TableColumn[];
  /** Owns the text: a vector per text column, an element per record batch. */
  readonly #texts: DuckDBDataChunk;
  #recordBatches: readonly RecordBatch[] = [];
  /** Of each record batch: the address of each column's text, 0 for other columns. */
  #addresses: bigint[][] = [];
  #recordBatch = 0;
  #row = 0;

  readonly #stringForms: StringForms;

  constructor(spec: TableSpec, forms: StringForms = stringForms) {
    this.#stringForms = forms;
    this.#columns = tableColumns(spec);
    this.#texts = DuckDBDataChunk.create(this.#columns.filter(({ type }) => hasOffsets(type)).map(() => BLOB));
  }

  /** Names and types of the columns, in the order of the schema. */
  get columns(): { name: string; type: DuckDBType }[] {
    return this.#columns.map(({ name, type, size }) => ({
      name,
      type: type === 'decimal' ? DECIMAL(size!.precision, size!.scale) : TYPES[type],
    }));
  }

  /** Starts on other record batches. Their text is copied; chunks refer to it until the next `load`. */
  load(recordBatches: readonly RecordBatch[]): void {
    assert(recordBatches.length <= VECTOR_ROWS, 'a vector has an element for each record batch');
    this.#texts.reset();
    this.#recordBatches = recordBatches;
    this.#addresses = recordBatches.map(({ data }, index) => this.#loadTexts(data.children, index));
    this.rewind();
  }

  /** Starts with the first row again. */
  rewind(): void {
    this.#recordBatch = 0;
    this.#row = 0;
  }

  /** Fills an empty chunk with the next rows. @returns how many, at most `maxRows`; 0 after the last one */
  next(chunk: DuckDBDataChunk, maxRows = VECTOR_ROWS): number {
    while (this.#recordBatches[this.#recordBatch]?.numRows === this.#row) {
      this.#recordBatch++;
      this.#row = 0;
    }
    const recordBatch = this.#recordBatches[this.#recordBatch];
    const rows = recordBatch === undefined ? 0 : Math.min(VECTOR_ROWS, maxRows, recordBatch.numRows - this.#row);
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

  #copyColumn(vector: bindings.Vector, column: Data, index: number, rows: number): void {
    const { type, size } = this.#columns[index];
    const from = this.#row;
    const values = column.values as Int32Array;
    const copy = (source: ArrayBufferLike, at: number, bytes: number) =>
      bindings.copy_data_to_vector(vector, 0, source as ArrayBuffer, at, bytes);
    if (hasOffsets(type)) {
      const { buffer, byteOffset } = this.#stringForms(column, from, rows, this.#addresses[this.#recordBatch][index]);
      copy(buffer, byteOffset, rows * STRING_BYTES);
    } else if (type === 'decimal') {
      const width = decimalBytes(size!.precision);
      if (width === 16) copy(values.buffer, values.byteOffset + from * 16, rows * 16);
      else {
        fillDecimals(values, from, rows, width);
        copy(words.buffer, 0, rows * width);
      }
    } else if (type === 'uuid') {
      fillUuids(column.values as Uint8Array, from, rows);
      copy(uuids.buffer, 0, rows * 16);
    } else if (type === 'bool') {
      fillBooleans(column.values as Uint8Array, from, rows);
      copy(booleans.buffer, 0, rows);
    } else {
      const width = type === 'int32' || type === 'date32' ? 4 : 8;
      copy(values.buffer, values.byteOffset + from * width, rows * width);
    }
  }

  #loadTexts(columns: readonly Data[], element: number): bigint[] {
    let textColumn = 0;
    return columns.map((column, index) => {
      if (!hasOffsets(this.#columns[index].type)) return 0n;
      const vector = bindings.data_chunk_get_vector(this.#texts.chunk, textColumn++);
      const bytes = column.values as Uint8Array;
      if (bytes.byteLength <= INLINED_BYTES) return 0n;
      bindings.vector_assign_string_element_len(vector, element, bytes);
      const form = bindings.vector_get_data(vector, (element + 1) * STRING_BYTES);
      return new DataView(form.buffer, form.byteOffset + element * STRING_BYTES).getBigUint64(8, true);
    });
  }
}

/** Scratch of one chunk, reused: nothing is allocated per chunk. */
const words = new Int32Array(VECTOR_ROWS * 2);
const halfWords = new Int16Array(words.buffer);
const uuids = new Uint8Array(VECTOR_ROWS * 16);
const booleans = new Uint8Array(VECTOR_ROWS);
const validity = new Uint8Array(VECTOR_ROWS / 8);

function copyValidity(vector: bindings.Vector, { nullBitmap, nullCount }: Data, from: number, rows: number): void {
  if (nullCount === 0) return;
  bindings.vector_ensure_validity_writable(vector);
  const isAligned = (from & 7) === 0;
  const { buffer, byteOffset } = isAligned ? nullBitmap : validity;
  // Only small row groups begin within a byte.
  for (let row = 0; row < rows && !isAligned; row++) setBit(validity, row, bit(nullBitmap, from + row));
  const at = isAligned ? byteOffset + (from >> 3) : byteOffset;
  bindings.copy_data_to_vector_validity(vector, 0, buffer as ArrayBuffer, at, (rows + 7) >> 3);
}

/** Bytes of a decimal in DuckDB. */
function decimalBytes(precision: number): number {
  if (precision > 18) return 16;
  return precision > 9 ? 8 : precision > 4 ? 4 : 2;
}

/** The low 16, 32 or 64 bits of 128-bit decimals. */
function fillDecimals(decimals: Int32Array, from: number, rows: number, width: number): void {
  if (width === 8) {
    for (let row = 0, at = from * 4; row < rows; row++, at += 4) {
      words[row * 2] = decimals[at];
      words[row * 2 + 1] = decimals[at + 1];
    }
  } else {
    const narrow = width === 4 ? words : halfWords;
    for (let row = 0, at = from * 4; row < rows; row++, at += 4) narrow[row] = decimals[at];
  }
}

/** UUIDs as DuckDB has them: the highest byte last, and its highest bit the other one, as they sort as integers. */
function fillUuids(bytes: Uint8Array, from: number, rows: number): void {
  for (let row = 0; row < rows; row++) {
    const first = (from + row) * 16;
    const last = row * 16 + 15;
    for (let at = 0; at < 16; at++) uuids[last - at] = bytes[first + at];
    uuids[last] ^= 0x80;
  }
}

function fillBooleans(bits: Uint8Array, from: number, rows: number): void {
  for (let row = 0, at = from; row < rows; row++, at++) booleans[row] = (bits[at >> 3] >> (at & 7)) & 1;
}
