/** Which rows of a DuckDB vector are taken, and the layouts that need no look at the single value. */
import bindings from '@duckdb/node-bindings';
import { bit, setBit } from '../core/chunk.js';

/** Rows `from` to `from + length`, or those that are picked, in that order. */
export interface VectorRows {
  /** Of the vector: so many of its elements may be read. */
  readonly size: number;
  readonly from: number;
  readonly length: number;
  readonly picked?: Int32Array;
}

/** The memory of a vector's first elements; one without elements may have none. */
export function vectorBytes(vector: bindings.Vector, bytes: number): Uint8Array {
  return bytes === 0 ? new Uint8Array(0) : bindings.vector_get_data(vector, bytes);
}

/** A bit for each element, 1 for a value; undefined if there is no null. */
export function validityOf(vector: bindings.Vector, size: number): Uint8Array | undefined {
  if (size === 0) return undefined;
  return (bindings.vector_get_validity(vector, Math.ceil(size / 64) * 8) as Uint8Array | null) ?? undefined;
}

/** Null bits as Arrow has them, which are DuckDB's: 1 for a value, the lowest bit first. */
export interface Nulls {
  readonly nullCount: number;
  readonly nullBitmap: Uint8Array | undefined;
}

export function nullsOf(vector: bindings.Vector, { size, from, length, picked }: VectorRows): Nulls {
  const validity = validityOf(vector, size);
  if (validity === undefined) return { nullCount: 0, nullBitmap: undefined };
  const nullBitmap = new Uint8Array(Math.ceil(length / 8));
  let valid = 0;
  for (let index = 0; index < length; index++) {
    const isValid = bit(validity, picked ? picked[index] : from + index);
    setBit(nullBitmap, index, isValid);
    if (isValid) valid++;
  }
  return valid === length ? { nullCount: 0, nullBitmap: undefined } : { nullCount: length - valid, nullBitmap };
}

/** The values of a fixed width, copied. @param width bytes: 1, 2, 4, 8 or 16 */
export function fixedWidth(vector: bindings.Vector, rows: VectorRows, width: number): ArrayBuffer {
  const { size, from, length, picked } = rows;
  const all = vectorBytes(vector, size * width);
  if (picked === undefined) return all.slice(from * width, (from + length) * width).buffer as ArrayBuffer;
  const result = new ArrayBuffer(length * width);
  const unit = Math.min(width, 4);
  const Units = unit === 4 ? Uint32Array : unit === 2 ? Uint16Array : Uint8Array;
  const units = width / unit;
  const source = new Units(all.buffer as ArrayBuffer, all.byteOffset, size * units);
  const target = new Units(result);
  for (let index = 0; index < length; index++) {
    for (let part = 0; part < units; part++) target[index * units + part] = source[picked[index] * units + part];
  }
  return result;
}

/** A byte for each value → a bit. */
export function bitsOf(bytes: Uint8Array): Uint8Array {
  const bits = new Uint8Array(Math.ceil(bytes.length / 8));
  for (let index = 0; index < bytes.length; index++) bits[index >> 3] |= (bytes[index] & 1) << (index & 7);
  return bits;
}

/** Of each list: an offset and a length of 64 bits each. */
export const LIST_ENTRY_BYTES = 16;
const ENTRY_WORDS = LIST_ENTRY_BYTES / 4;

/** Where the items of each list begin among those that are taken, and which these are of the child vector. */
export function listItems(
  vector: bindings.Vector,
  { size, from, length, picked }: VectorRows,
  nullBitmap: Uint8Array | undefined,
): { valueOffsets: Int32Array; items: VectorRows } {
  const bytes = vectorBytes(vector, size * LIST_ENTRY_BYTES);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, size * ENTRY_WORDS);
  const starts = new Float64Array(length);
  const valueOffsets = new Int32Array(length + 1);
  for (let index = 0; index < length; index++) {
    const word = (picked ? picked[index] : from + index) * ENTRY_WORDS;
    starts[index] = words[word] + words[word + 1] * 2 ** 32;
    const items = nullBitmap === undefined || bit(nullBitmap, index) ? words[word + 2] : 0;
    valueOffsets[index + 1] = valueOffsets[index] + items;
  }
  return { valueOffsets, items: itemsAt(starts, valueOffsets, bindings.list_vector_get_size(vector)) };
}

/** Lists may share items, and stand in any order: only if they follow each other, nothing has to be picked. */
function itemsAt(starts: Float64Array, valueOffsets: Int32Array, size: number): VectorRows {
  const lists = starts.length;
  const length = valueOffsets[lists];
  let first = -1;
  let inOrder = true;
  for (let list = 0; list < lists; list++) {
    if (valueOffsets[list] === valueOffsets[list + 1]) continue;
    if (first === -1) first = starts[list];
    if (starts[list] !== first + valueOffsets[list]) inOrder = false;
  }
  if (inOrder) return { size, from: Math.max(first, 0), length };
  const picked = new Int32Array(length);
  for (let list = 0; list < lists; list++) {
    const shift = starts[list] - valueOffsets[list];
    for (let item = valueOffsets[list]; item < valueOffsets[list + 1]; item++) picked[item] = item + shift;
  }
  return { size, from: 0, length, picked };
}

/** The items of arrays of a fixed length, those of nulls too. */
export function arrayItems({ size, from, length, picked }: VectorRows, items: number): VectorRows {
  const all = { size: size * items, from: from * items, length: length * items };
  if (picked === undefined) return all;
  return {
    ...all,
    picked: Int32Array.from({ length: all.length }, (_, at) => picked[Math.floor(at / items)] * items + (at % items)),
  };
}
