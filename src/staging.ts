/**
 * Arrow → DuckDB: a commit group is gathered in a table of an in-memory database, outside of any transaction on the
 * file.
 *
 * DuckDB takes data chunks of 2,048 rows. Fixed-width columns are copied as they are, one call each. A string is 16
 * bytes in a DuckDB vector:
 *
 *   length u32 │ up to 12 bytes of the string itself                        at most 12 bytes
 *   length u32 │ its first 4 bytes │ address u64 of all bytes               longer
 *
 * Instead of one native call per string, all bytes of a column go into one element of a vector of its own, which owns
 * the memory; the address is read back from that element, and the 16-byte forms are written here, into that memory.
 * Appending copies the strings, so the memory is only needed until then.
 */
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DECIMAL,
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBType,
  INTEGER,
  TIMESTAMPTZ,
  UBIGINT,
  VARCHAR,
} from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { type Data, type RecordBatch, tableFromIPC } from 'apache-arrow';
import { columnDefinitions } from './ddl.js';
import type { BatchResult } from './flow.js';
import { type ColumnType, type TableColumn, type TableSpec, tableColumns } from './spec.js';

const CHUNK_ROWS = 2048;
const STRING_BYTES = 16;
const INLINED_BYTES = 12;

const TYPES: Record<ColumnType, DuckDBType> = {
  utf8: VARCHAR,
  decimal18_4: DECIMAL(18, 4),
  timestamp_us_utc: TIMESTAMPTZ,
  date32: DATE,
  int64: BIGINT,
  uint64: UBIGINT,
  int32: INTEGER,
  bool: BOOLEAN,
};

/** The rows of one commit group, as a relation that statements read. */
export interface StagedRows {
  /** SQL. There is no such relation while no batch with rows was appended. */
  readonly relation: string;
  append(batch: BatchResult): Promise<void>;
  /** Makes everything that was appended visible to queries. */
  flush(): void;
  /** Makes it empty. */
  clear(): Promise<void>;
}

/** Rows in a table in memory. */
export class ArrowStaging implements StagedRows {
  readonly #connection: DuckDBConnection;
  readonly #columns: readonly TableColumn[];
  readonly #definitions: string;
  readonly #chunk: DuckDBDataChunk;
  readonly #heap: DuckDBDataChunk;
  #appender: DuckDBAppender | undefined;

  /** @param table qualified name, `staging.rows_0` */
  constructor(
    connection: DuckDBConnection,
    spec: TableSpec,
    readonly catalog: string,
    readonly table: string,
  ) {
    this.#connection = connection;
    this.#columns = tableColumns(spec);
    this.#definitions = columnDefinitions(spec);
    this.#chunk = DuckDBDataChunk.create(this.#columns.map(({ type }) => TYPES[type]));
    this.#heap = DuckDBDataChunk.create(this.#columns.filter(({ type }) => type === 'utf8').map(() => BLOB));
  }

  get relation(): string {
    return `${this.catalog}.${this.table}`;
  }

  async clear(): Promise<void> {
    this.#appender = undefined;
    await this.#connection.run(`CREATE OR REPLACE TABLE ${this.relation} (${this.#definitions})`);
  }

  async append({ arrow }: BatchResult): Promise<void> {
    if (arrow === undefined) return;
    this.#appender ??= await this.#connection.createAppender(this.table, 'main', this.catalog);
    for (const recordBatch of tableFromIPC(arrow).batches) this.#appendRecordBatch(recordBatch);
  }

  flush(): void {
    this.#appender?.closeSync();
    this.#appender = undefined;
  }

  #appendRecordBatch(recordBatch: RecordBatch): void {
    const columns = recordBatch.data.children;
    this.#heap.reset();
    const addresses = this.#loadStrings(columns);
    for (let from = 0; from < recordBatch.numRows; from += CHUNK_ROWS) {
      const rows = Math.min(CHUNK_ROWS, recordBatch.numRows - from);
      this.#chunk.reset();
      for (let index = 0; index < columns.length; index++) {
        const vector = duckdb.data_chunk_get_vector(this.#chunk.chunk, index);
        copyColumn(vector, this.#columns[index].type, columns[index], from, rows, addresses[index]);
      }
      this.#chunk.rowCount = rows;
      this.#appender!.appendDataChunk(this.#chunk);
    }
  }

  /** Puts the bytes of each text column into native memory. @returns the address of each; 0 for other columns */
  #loadStrings(columns: readonly Data[]): bigint[] {
    let heapColumn = 0;
    return columns.map((column, index) => {
      if (this.#columns[index].type !== 'utf8') return 0n;
      const vector = duckdb.data_chunk_get_vector(this.#heap.chunk, heapColumn++);
      const bytes = column.values as Uint8Array;
      if (bytes.byteLength <= INLINED_BYTES) return 0n;
      duckdb.vector_assign_string_element_len(vector, 0, bytes);
      const element = duckdb.vector_get_data(vector, STRING_BYTES);
      return new DataView(element.buffer, element.byteOffset, STRING_BYTES).getBigUint64(8, true);
    });
  }
}

/** Scratch of one chunk, reused: nothing is allocated per chunk. */
const strings = new Uint32Array((CHUNK_ROWS * STRING_BYTES) / 4);
const stringBytes = new Uint8Array(strings.buffer);
const words = new Int32Array(CHUNK_ROWS * 2);
const booleans = new Uint8Array(CHUNK_ROWS);

function copyColumn(
  vector: duckdb.Vector,
  type: ColumnType,
  column: Data,
  from: number,
  rows: number,
  address: bigint,
): void {
  const values = column.values as Int32Array;
  const copy = (source: ArrayBufferLike, at: number, bytes: number) =>
    duckdb.copy_data_to_vector(vector, 0, source as ArrayBuffer, at, bytes);
  if (type === 'utf8') {
    fillStrings(column.valueOffsets, column.values as Uint8Array, from, rows, address);
    copy(strings.buffer, 0, rows * STRING_BYTES);
  } else if (type === 'decimal18_4') {
    fillDecimals(values, from, rows);
    copy(words.buffer, 0, rows * 8);
  } else if (type === 'bool') {
    fillBooleans(column.values as Uint8Array, from, rows);
    copy(booleans.buffer, 0, rows);
  } else {
    const width = type === 'int32' || type === 'date32' ? 4 : 8;
    copy(values.buffer, values.byteOffset + from * width, rows * width);
  }
  if (column.nullCount === 0) return;
  const { nullBitmap } = column;
  duckdb.vector_ensure_validity_writable(vector);
  const at = nullBitmap.byteOffset + (from >> 3);
  duckdb.copy_data_to_vector_validity(vector, 0, nullBitmap.buffer as ArrayBuffer, at, (rows + 7) >> 3);
}

/** Writes the 16-byte forms of strings [from, from + rows), whose bytes are in native memory from `address` on. */
function fillStrings(offsets: Int32Array, bytes: Uint8Array, from: number, rows: number, address: bigint): void {
  const low = Number(address & 0xffffffffn);
  const high = Number(address >> 32n);
  for (let row = 0, word = 0; row < rows; row++, word += 4) {
    const start = offsets[from + row];
    const length = offsets[from + row + 1] - start;
    strings[word] = length;
    if (length > INLINED_BYTES) {
      strings[word + 1] = bytes[start] | (bytes[start + 1] << 8) | (bytes[start + 2] << 16) | (bytes[start + 3] << 24);
      const end = low + start;
      strings[word + 2] = end;
      strings[word + 3] = end > 0xffffffff ? high + 1 : high;
    } else {
      strings[word + 1] = 0;
      strings[word + 2] = 0;
      strings[word + 3] = 0;
      const at = word * 4 + 4;
      for (let index = 0; index < length; index++) stringBytes[at + index] = bytes[start + index];
    }
  }
}

/** The low 64 bits of 128-bit decimals: DECIMAL(18,4) is an int64 in DuckDB. */
function fillDecimals(decimals: Int32Array, from: number, rows: number): void {
  for (let row = 0, at = from * 4; row < rows; row++, at += 4) {
    words[row * 2] = decimals[at];
    words[row * 2 + 1] = decimals[at + 1];
  }
}

function fillBooleans(bits: Uint8Array, from: number, rows: number): void {
  for (let row = 0, at = from; row < rows; row++, at++) booleans[row] = (bits[at >> 3] >> (at & 7)) & 1;
}
