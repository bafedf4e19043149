/**
 * Text of a DuckDB vector → Arrow's offsets and bytes.
 *
 * A vector has 16 bytes for each string (core/string-forms.ts): short ones are in there, of long ones an address is.
 * What lies near each other is read in one native call instead of one for each string: strings that are less than a
 * page apart are in pages that follow each other, so all memory between them can be read.
 */
import bindings from '@duckdb/node-bindings';
import { bit } from '../core/chunk.js';
import { SluiceError } from '../core/errors.js';
import { INLINED_BYTES, STRING_BYTES } from '../core/string-forms.js';
import { type VectorRows, vectorBytes } from './vector-rows.js';

/** The smallest that there is. */
const PAGE_BYTES = 4096;
const WORDS = STRING_BYTES / 4;
const MAX_OFFSET = 2 ** 31 - 1;
/** Copied byte by byte; a longer one is worth a call. */
const SHORT_BYTES = 32;

export interface TextBuffers {
  readonly valueOffsets: Int32Array;
  readonly data: Uint8Array;
}

/**
 * @param nulls their bits, 0 for null, by place in `rows`; undefined if there is none
 * @throws SluiceError SLUICE_QUERY if Arrow's offsets cannot count the bytes
 */
export function textBuffers(vector: bindings.Vector, rows: VectorRows, nulls: Uint8Array | undefined): TextBuffers {
  const forms = vectorBytes(vector, rows.size * STRING_BYTES);
  const words = new Uint32Array(forms.buffer, forms.byteOffset, rows.size * WORDS);
  const valueOffsets = offsetsOf(words, rows, nulls);
  const data = new Uint8Array(valueOffsets[rows.length]);
  const long = copyInlined(forms, rows, valueOffsets, data);
  if (long.length > 0) copyLong(forms, words, rows, inMemoryOrder(long, words, rows), { valueOffsets, data });
  return { valueOffsets, data };
}

function offsetsOf(words: Uint32Array, { from, length, picked }: VectorRows, nulls: Uint8Array | undefined) {
  const offsets = new Int32Array(length + 1);
  let bytes = 0;
  for (let index = 0; index < length; index++) {
    // What a null has in place of a length is nothing to rely on.
    if (nulls === undefined || bit(nulls, index)) bytes += words[(picked ? picked[index] : from + index) * WORDS];
    if (bytes > MAX_OFFSET) throw new SluiceError('SLUICE_QUERY', TOO_LONG);
    offsets[index + 1] = bytes;
  }
  return offsets;
}

const TOO_LONG = 'a list or a value has more than 2 GiB of text, which Arrow cannot hold: ask for less in one row';

/** @returns the places in `rows` of the other strings */
function copyInlined(forms: Uint8Array, rows: VectorRows, offsets: Int32Array, data: Uint8Array): Int32Array {
  const { from, length, picked } = rows;
  const long = new Int32Array(length);
  let count = 0;
  for (let index = 0; index < length; index++) {
    const start = offsets[index];
    const bytes = offsets[index + 1] - start;
    if (bytes > INLINED_BYTES) {
      long[count++] = index;
      continue;
    }
    const form = (picked ? picked[index] : from + index) * STRING_BYTES + 4;
    for (let at = 0; at < bytes; at++) data[start + at] = forms[form + at];
  }
  return long.subarray(0, count);
}

function addressOf(words: Uint32Array, row: number): number {
  return words[row * WORDS + 2] + words[row * WORDS + 3] * 2 ** 32;
}

/** Sorts places by address, unless they are in order as they mostly are, or are too far apart for a number. */
function inMemoryOrder(long: Int32Array, words: Uint32Array, { from, picked }: VectorRows): Int32Array {
  const addresses = new Float64Array(long.length);
  let lowest = Number.POSITIVE_INFINITY;
  let highest = 0;
  let inOrder = true;
  for (let each = 0; each < long.length; each++) {
    const address = addressOf(words, picked ? picked[long[each]] : from + long[each]);
    addresses[each] = address;
    if (address < highest) inOrder = false;
    if (address < lowest) lowest = address;
    if (address > highest) highest = address;
  }
  const count = long.length;
  if (inOrder || (highest - lowest + 1) * count > Number.MAX_SAFE_INTEGER) return long;
  // Address and place in one number: these are sorted without calling back.
  for (let each = 0; each < count; each++) addresses[each] = (addresses[each] - lowest) * count + each;
  addresses.sort();
  const sorted = new Int32Array(count);
  for (let each = 0; each < count; each++) sorted[each] = long[addresses[each] % count];
  return sorted;
}

function copyLong(
  forms: Uint8Array,
  words: Uint32Array,
  { from, picked }: VectorRows,
  long: Int32Array,
  { valueOffsets, data }: TextBuffers,
): void {
  const rowOf = (index: number) => (picked ? picked[index] : from + index);
  for (let first = 0, next = 0; first < long.length; first = next) {
    const row = rowOf(long[first]);
    const start = addressOf(words, row);
    let end = start;
    for (; next < long.length; next++) {
      const address = addressOf(words, rowOf(long[next]));
      if (next > first && (address < start || address >= end + PAGE_BYTES)) break;
      end = Math.max(end, address + words[rowOf(long[next]) * WORDS]);
    }
    const pointer = forms.byteOffset + row * STRING_BYTES + 8;
    const span = bindings.get_data_from_pointer(forms.buffer as ArrayBuffer, pointer, end - start);
    for (let each = first; each < next; each++) {
      const at = addressOf(words, rowOf(long[each])) - start;
      copy(span, at, data, valueOffsets[long[each]], valueOffsets[long[each] + 1]);
    }
  }
}

function copy(source: Uint8Array, at: number, target: Uint8Array, start: number, end: number): void {
  if (end - start > SHORT_BYTES) target.set(source.subarray(at, at + end - start), start);
  else for (let to = start, of = at; to < end; to++, of++) target[to] = source[of];
}
