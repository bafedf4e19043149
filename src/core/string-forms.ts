/**
 * Arrow text → the 16 bytes that a string is in a vector of DuckDB, little endian:
 *
 *   length u32 │ up to 12 bytes of the string itself, then zeros            at most 12 bytes
 *   length u32 │ its first 4 bytes │ address u64 of all bytes               longer
 */
import type { Data } from 'apache-arrow';

/** Rows of a vector. */
export const VECTOR_ROWS = 2048;
export const STRING_BYTES = 16;
export const INLINED_BYTES = 12;

/**
 * Gives the 16-byte forms of the strings [from, from + rows) of a text column.
 * @param address of the column's bytes in native memory
 * @returns valid until the next call
 */
export type StringForms = (column: Data, from: number, rows: number, address: bigint) => Uint8Array;

/** Reused. */
const strings = new Uint32Array((VECTOR_ROWS * STRING_BYTES) / 4);
const stringBytes = new Uint8Array(strings.buffer);

/** Strings in any memory. For text that the kernel wrote, kernels/forms.ts does the same faster. */
export const stringForms: StringForms = ({ valueOffsets: offsets, values: bytes }, from, rows, address) => {
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
  return stringBytes;
};
