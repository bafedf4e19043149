/** The speculative path from text to text: into embedded JSON and out of it, and past what is ignored. */
import { CURSOR, HEADER, MESSAGES, OUTER, OUTERS, TRANSITION } from './abi';
import { cursorOf, isPast, lowest } from './advance';
import { arenaOf } from './embedded';
import { skipValue } from './json';
import { chunk } from './messages';
import { decodedEnd, unescape } from './unescape';

@inline
function outerOf(row: usize): usize {
  return OUTERS + row * OUTER.size;
}

/** Begins with the embedded texts of the rows. */
export function startArenas(rows: u64): void {
  for (let left = rows; left; left &= left - 1) {
    const row = <usize>ctz(left);
    store<u32>(outerOf(row), <u32>arenaOf(load<u32>(MESSAGES + (row << 2))), OUTER.arena);
  }
}

/** Moves rows into the text of the string `length` bytes after their cursors. @returns those that have one */
export function enterTexts(rows: u64, length: usize): u64 {
  let entered = rows;
  for (let left = rows; left; left &= left - 1) {
    const row = <usize>ctz(left);
    const cursor = cursorOf(row);
    const outer = outerOf(row);
    const start = <usize>load<u32>(cursor, CURSOR.next) + length;
    const text = <usize>load<u32>(outer, OUTER.arena);
    const quote = unescape(text, start, load<u32>(cursor, CURSOR.end));
    if (quote == 0) {
      entered ^= lowest(left);
      continue;
    }
    const end = decodedEnd;
    store<u8>(end, 0);
    store<u32>(outer, <u32>quote + 1, OUTER.next);
    store<u32>(outer, load<u32>(cursor, CURSOR.end), OUTER.end);
    store<u32>(outer, <u32>end + 1, OUTER.arena);
    store<u32>(cursor, <u32>text, CURSOR.next);
    store<u32>(cursor, <u32>end, CURSOR.end);
  }
  return entered;
}

/** Moves rows to what comes after the string whose text they were in. */
export function leaveTexts(rows: u64): void {
  for (let left = rows; left; left &= left - 1) {
    const outer = outerOf(<usize>ctz(left));
    const cursor = cursorOf(<usize>ctz(left));
    store<u32>(cursor, load<u32>(outer, OUTER.next), CURSOR.next);
    store<u32>(cursor, load<u32>(outer, OUTER.end), CURSOR.end);
  }
}

/**
 * Moves rows past the value that starts `length` bytes after their cursors: one like the last valid one of the chunk is
 * valid as well. @returns those that have one
 */
export function skipIgnored(transition: usize, rows: u64, length: usize): u64 {
  let skipped = rows;
  for (let left = rows; left; left &= left - 1) {
    const cursor = cursorOf(<usize>ctz(left));
    const p = <usize>load<u32>(cursor, CURSOR.next) + length;
    let end = endAsBefore(transition, p);
    if (end == 0 && !isPast(cursor, p)) end = validEnd(transition, p, load<u32>(cursor, CURSOR.end));
    if (end == 0 || isPast(cursor, end)) skipped ^= lowest(left);
    else store<u32>(cursor, <u32>end, CURSOR.next);
  }
  return skipped;
}

/** The end of the value at `p` if it is the one that was valid before, else 0. */
@inline
function endAsBefore(transition: usize, p: usize): usize {
  if (load<u32>(transition, TRANSITION.validChunk) != chunk) return 0;
  const valid = <usize>load<u32>(transition, TRANSITION.valid);
  const length = <usize>load<u32>(transition, TRANSITION.validEnd) - valid;
  return isSame(valid, p, length) ? p + length : 0;
}

/** Whether two texts of at least 64 bytes are the same. */
@inline
function isSame(a: usize, b: usize, length: usize): bool {
  let at: usize = 0;
  for (; at + 64 < length; at += 64) if (v128.any_true(differences(a + at, b + at))) return false;
  // The last 64 bytes, of which some may have been compared before.
  return !v128.any_true(differences(a + length - 64, b + length - 64));
}

/** Bits of 64 bytes in which they differ. */
@inline
function differences(a: usize, b: usize): v128 {
  return v128.or(
    v128.or(v128.xor(v128.load(a), v128.load(b)), v128.xor(v128.load(a, 16), v128.load(b, 16))),
    v128.or(v128.xor(v128.load(a, 32), v128.load(b, 32)), v128.xor(v128.load(a, 48), v128.load(b, 48))),
  );
}

/** The end of the value at `p` of a row that ends at `rowEnd`, 0 if it is not valid. It is remembered if it is long. */
function validEnd(transition: usize, p: usize, rowEnd: usize): usize {
  const next = load<u8>(rowEnd);
  store<u8>(rowEnd, 0);
  const end = skipValue(p, load<u32>(transition, TRANSITION.depth));
  store<u8>(rowEnd, next);
  // Embedded texts are overwritten by those of the next block. Only brackets say that nothing more is to come.
  const isText = load<u32>(HEADER.arena) != 0 && p >= <usize>load<u32>(HEADER.arena);
  if (end < p + 64 || isText || (load<u8>(p) | 0x20) != 0x7b) return end;
  store<u32>(transition, <u32>p, TRANSITION.valid);
  store<u32>(transition, <u32>end, TRANSITION.validEnd);
  store<u32>(transition, chunk, TRANSITION.validChunk);
  return end;
}
