/**
 * How much memory the rows of a vector take as Arrow. It can be far more than DuckDB's: rows share the items of a list
 * there, and each has its own here.
 */
import { DuckDBTypeId } from '@duckdb/node-api';
import bindings from '@duckdb/node-bindings';
import { bit } from '../core/chunk.js';
import { STRING_BYTES } from '../core/string-forms.js';
import { itemType } from './arrow-types.js';
import type { ValueType } from './values.js';
import { LIST_ENTRY_BYTES, validityOf, vectorBytes } from './vector-rows.js';

const TEXTS: ReadonlySet<DuckDBTypeId> = new Set([DuckDBTypeId.VARCHAR, DuckDBTypeId.BLOB, DuckDBTypeId.GEOMETRY]);
const NESTED: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.LIST,
  DuckDBTypeId.MAP,
  DuckDBTypeId.ARRAY,
  DuckDBTypeId.STRUCT,
]);
/** Of all other types, about. */
const FIXED_BYTES = 8;

/** Whether a value of the type may have any number of bytes. */
export function isOfAnyLength({ typeId }: ValueType): boolean {
  return TEXTS.has(typeId) || NESTED.has(typeId);
}

/** Adds the bytes of each value to those of its row: one for each of the vector. */
export function addBytes(vector: bindings.Vector, type: ValueType, bytesOfRows: Float64Array): void {
  const size = bytesOfRows.length;
  if (TEXTS.has(type.typeId)) addTextBytes(vector, bytesOfRows);
  else if (type.typeId === DuckDBTypeId.STRUCT) {
    for (const [index, entry] of (type.entryTypes ?? []).entries()) {
      addBytes(bindings.struct_vector_get_child(vector, index), entry, bytesOfRows);
    }
  } else if (type.typeId === DuckDBTypeId.ARRAY) {
    const items = type.length ?? 0;
    const sums = sumsOf(bindings.array_vector_get_child(vector), type.valueType, size * items);
    for (let row = 0; row < size; row++) bytesOfRows[row] += sums[(row + 1) * items] - sums[row * items];
  } else if (NESTED.has(type.typeId)) addListBytes(vector, type, bytesOfRows);
  else for (let row = 0; row < size; row++) bytesOfRows[row] += FIXED_BYTES;
}

function addTextBytes(vector: bindings.Vector, bytesOfRows: Float64Array): void {
  const size = bytesOfRows.length;
  const words = wordsOf(vector, size, STRING_BYTES);
  const validity = validityOf(vector, size);
  const step = STRING_BYTES / 4;
  for (let row = 0; row < size; row++) {
    if (validity === undefined || bit(validity, row)) bytesOfRows[row] += words[row * step];
  }
}

function addListBytes(vector: bindings.Vector, type: ValueType, bytesOfRows: Float64Array): void {
  const size = bytesOfRows.length;
  const sums = sumsOf(bindings.list_vector_get_child(vector), itemType(type), bindings.list_vector_get_size(vector));
  const words = wordsOf(vector, size, LIST_ENTRY_BYTES);
  const validity = validityOf(vector, size);
  const step = LIST_ENTRY_BYTES / 4;
  for (let row = 0; row < size; row++) {
    if (validity !== undefined && !bit(validity, row)) continue;
    const start = words[row * step] + words[row * step + 1] * 2 ** 32;
    bytesOfRows[row] += sums[start + words[row * step + 2]] - sums[start];
  }
}

function wordsOf(vector: bindings.Vector, size: number, width: number): Uint32Array {
  const bytes = vectorBytes(vector, size * width);
  return new Uint32Array(bytes.buffer, bytes.byteOffset, (size * width) / 4);
}

/** The bytes of all items before each one, and of all. */
function sumsOf(items: bindings.Vector, type: ValueType | undefined, size: number): Float64Array {
  const bytes = new Float64Array(size);
  addBytes(items, type as ValueType, bytes);
  const sums = new Float64Array(size + 1);
  for (let item = 0; item < size; item++) sums[item + 1] = sums[item] + bytes[item];
  return sums;
}
