/**
 * Arrow text → the 16 bytes that a string is in a vector of DuckDB, little endian:
 *
 *   length u32 │ up to 12 bytes of the string itself, then zeros            at most 12 bytes
 *   length u32 │ its first 4 bytes │ address u64 of all bytes               longer
 */
const FORM_BYTES: usize = 16;
const INLINED_BYTES: u32 = 12;

/**
 * Writes the forms of `rows` strings from `forms` on.
 * @param offsets of the first string, and of the ends of all
 * @param bytes what offset 0 stands for
 * @param address where DuckDB finds a copy of those bytes
 */
export function stringForms(offsets: usize, bytes: usize, rows: u32, address: u64, forms: usize): void {
  let start = load<u32>(offsets);
  for (const last = forms + <usize>rows * FORM_BYTES; forms < last; forms += FORM_BYTES) {
    offsets += 4;
    const end = load<u32>(offsets);
    const length = end - start;
    if (length > INLINED_BYTES) {
      store<u32>(forms, length);
      store<u32>(forms, load<u32>(bytes + start), 4);
      store<u64>(forms, address + start, 8);
    } else {
      // Moved by four bytes; a lane that is not of the string becomes 0.
      const lane = i8x16(-4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
      const isOutside = i8x16.ge_u(lane, i8x16.splat(<i8>length));
      const text = i8x16.swizzle(v128.load(bytes + start), v128.or(lane, isOutside));
      v128.store(forms, i32x4.replace_lane(text, 0, length));
    }
    start = end;
  }
}
