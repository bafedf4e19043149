/**
 * A transition's literal and the scalar behind it, in all rows that are in its state: a loop for each kind of scalar.
 *
 * These loops are where the time goes. They call nothing, so that all they need stays in registers: rows for which more
 * is to be done are noted, and come behind.
 */
import { BLOCK_ROWS, CURSOR, CURSORS, KEPT, KIND, LOST_ROWS, SLOT, SPECIAL_ROWS, TRANSITION } from './abi';
import { setKinds } from './block';
import { digitMask } from './decimal';
import { readScalar } from './json';
import { specialBytes } from './string';

/** More digits than are read at one go. */
const BEYOND: u32 = 16;
/** Where each of 16 bytes matters. */
const ALL_BYTES: u32 = 0xffff0000;

/** The place in each row that is read next. */
@inline
export function cursorOf(row: usize): usize {
  return CURSORS + row * CURSOR.size;
}

/** The rows that have the transition's literal, and end behind it. */
export function atEnd(transition: usize, rows: u64): u64 {
  const length = <usize>load<u32>(transition, TRANSITION.length);
  let ended: u64 = 0;
  for (let left = rows; left; left &= left - 1) {
    const cursor = cursorOf(<usize>ctz(left));
    const p: usize = load<u32>(cursor, CURSOR.next);
    if (hasLiteral(transition, length, p) && p + length == load<u32>(cursor, CURSOR.end)) ended |= lowest(left);
  }
  return ended;
}

/**
 * Those of the rows that have the literal. Where rows part this comes first: it has no branches, of which each that is
 * not foreseen costs as much as two scalars.
 */
export function matching(transition: usize, length: usize, rows: u64): u64 {
  let same = matching16(transition, 0, load<u32>(transition, TRANSITION.anyBytes), rows);
  // The last 16 bytes, of which some may have been compared before, and those between.
  if (length > 16) same = matching16(transition, length - 16, ALL_BYTES, same);
  for (let at: usize = 16; at + 16 < length; at += 16) same = matching16(transition, at, ALL_BYTES, same);
  return same;
}

/** Those that have its 16 bytes from `at` on. @param anyBytes which of the bytes do not matter, and all bits above */
function matching16(literal: usize, at: usize, anyBytes: u32, rows: u64): u64 {
  const wanted = v128.load(literal + at);
  let same: u64 = 0;
  for (let left = rows; left; left &= left - 1) {
    const row = ctz(left);
    const bytes = v128.load(<usize>load<u32>(cursorOf(<usize>row), CURSOR.next) + at);
    same |= u64((<u32>i8x16.bitmask(i8x16.eq(bytes, wanted)) | anyBytes) == 0xffffffff) << row;
  }
  return same;
}

/** The lowest bit that is set. */
@inline
export function lowest(bits: u64): u64 {
  return bits & (0 - bits);
}

/** Whether the transition's literal is at `p`. */
@inline
function hasLiteral(transition: usize, length: usize, p: usize): bool {
  const same = i8x16.bitmask(i8x16.eq(v128.load(p), v128.load(transition)));
  if ((<u32>same | load<u32>(transition, TRANSITION.anyBytes)) != 0xffffffff) return false;
  return length <= 16 || hasRest(transition, length, p);
}

/** Whether the literal's bytes from the 17th on are at `p` as well. */
function hasRest(literal: usize, length: usize, p: usize): bool {
  for (let at: usize = 16; at + 16 < length; at += 16) {
    if (i8x16.bitmask(i8x16.eq(v128.load(literal + at), v128.load(p + at))) != 0xffff) return false;
  }
  // The last 16 bytes, of which some may have been compared before.
  const at = length - 16;
  return i8x16.bitmask(i8x16.eq(v128.load(literal + at), v128.load(p + at))) == 0xffff;
}

/** Reads the literal and the string behind it into the slots. @returns the rows that have both */
export function takeStrings(transition: usize, rows: u64, slots: usize, length: usize): u64 {
  const anyBytes = load<u32>(transition, TRANSITION.anyBytes);
  const head = v128.load(transition);
  const tail = v128.load(transition + length - 16);
  const bit1 = kept(i8x16.splat(2));
  const low = kept(i8x16.splat(0x21));
  const backslash = kept(i8x16.splat(0x5c));
  store<u64>(LOST_ROWS, 0);
  store<u64>(SPECIAL_ROWS, 0);
  if (rows == ~(<u64>0)) {
    for (let row: usize = 0; row < BLOCK_ROWS; row++) {
      takeString(row, slots, length, anyBytes, head, tail, bit1, low, backslash);
    }
  } else {
    let left = rows;
    do {
      takeString(<usize>ctz(left), slots, length, anyBytes, head, tail, bit1, low, backslash);
    } while ((left &= left - 1));
  }
  return withSpecials(rows, slots, length - 1, KIND.STRING);
}

/** The same in one row, which is noted where it has no such string, or one that takes more to read. */
@inline
function takeString(
  row: usize,
  slots: usize,
  length: usize,
  anyBytes: u32,
  head: v128,
  tail: v128,
  bit1: v128,
  low: v128,
  backslash: v128,
): void {
  const cursor = cursorOf(row);
  let end: usize = load<u32>(cursor, CURSOR.next);
  const same = i8x16.bitmask(i8x16.eq(v128.load(end), head));
  end += length;
  let mask = specialBytes(v128.load(end), bit1, low, backslash);
  if ((<u32>same | anyBytes) != 0xffffffff) return note(LOST_ROWS, row);
  if (length > 16) {
    if (i8x16.bitmask(i8x16.eq(v128.load(end - 16), tail)) != 0xffff) return note(LOST_ROWS, row);
  }
  store<u32>(slots + row * SLOT.size, <u32>end, SLOT.start);
  if (!mask) do mask = specialBytes(v128.load((end += 16)), bit1, low, backslash); while (!mask);
  end += ctz(mask);
  if (load<u8>(end) != 0x22) return note(SPECIAL_ROWS, row);
  store<u32>(slots + row * SLOT.size, <u32>end, SLOT.end);
  end++;
  if (isPast(cursor, end)) return note(LOST_ROWS, row);
  store<u32>(cursor, <u32>end, CURSOR.next);
}

/** A constant that the compiler does not know for one, and so has in a register, rather than make it for every row. */
@inline
function kept(constant: v128): v128 {
  v128.store(KEPT, constant);
  return v128.load(KEPT);
}

/** Sets the row's bit in `rows`, in memory, for that is seldom. */
function note(rows: usize, row: usize): void {
  store<u64>(rows, load<u64>(rows) | ((<u64>1) << row));
}

/** Whether a place is at the end of the row or behind it: there a bracket must be. */
@inline
function isPast(cursor: usize, p: usize): bool {
  return p >= <usize>load<u32>(cursor, CURSOR.end);
}

/** The same for numbers, and scalars of all other kinds. */
export function takeNumbers(transition: usize, rows: u64, slots: usize, length: usize): u64 {
  const anyBytes = load<u32>(transition, TRANSITION.anyBytes);
  const head = v128.load(transition);
  const tail = v128.load(transition + length - 16);
  store<u64>(LOST_ROWS, 0);
  store<u64>(SPECIAL_ROWS, 0);
  let left = rows;
  do {
    const row = <usize>ctz(left);
    const cursor = cursorOf(row);
    let end: usize = load<u32>(cursor, CURSOR.next);
    const same = i8x16.bitmask(i8x16.eq(v128.load(end), head));
    end += length;
    const others = ~digitMask(v128.load(end));
    if ((<u32>same | anyBytes) != 0xffffffff) {
      note(LOST_ROWS, row);
      continue;
    }
    if (length > 16) {
      if (i8x16.bitmask(i8x16.eq(v128.load(end - 16), tail)) != 0xffff) {
        note(LOST_ROWS, row);
        continue;
      }
    }
    store<u32>(slots + row * SLOT.size, <u32>end, SLOT.start);
    // As in `skipNumber`: most have an integer of few digits, maybe a fraction, and nothing else.
    const whole = ctz<u32>(others);
    let digits = whole;
    if (load<u8>(end + whole) == 0x2e) {
      const fraction = ctz<u32>(others >> (whole + 1));
      digits = fraction == 0 ? BEYOND : whole + fraction + 1;
    }
    const isShort = u32(whole - 1 < 14) & u32(digits < 16);
    const isPlain = u32(whole == 1 || load<u8>(end) != 0x30) & u32((load<u8>(end + digits) | 0x20) != 0x65);
    if (!(isShort & isPlain)) {
      note(SPECIAL_ROWS, row);
      continue;
    }
    end += digits;
    store<u32>(slots + row * SLOT.size, <u32>end, SLOT.end);
    if (isPast(cursor, end)) note(LOST_ROWS, row);
    else store<u32>(cursor, <u32>end, CURSOR.next);
  } while ((left &= left - 1));
  return withSpecials(rows, slots, length, KIND.NUMBER);
}

/**
 * Reads the special scalars, which are `behind` bytes behind the cursors, and says of which kind the others are.
 * @returns the rows that are not lost
 */
@inline
function withSpecials(rows: u64, slots: usize, behind: usize, kind: u32): u64 {
  const special = load<u64>(SPECIAL_ROWS);
  const plain = rows & ~load<u64>(LOST_ROWS) & ~special;
  setKinds(slots, plain, kind);
  return special ? plain | takeScalars(special, slots, behind, kind == KIND.STRING) : plain;
}

/** Reads scalars of any form. @returns the rows that have one */
function takeScalars(rows: u64, slots: usize, behind: usize, areStrings: bool): u64 {
  let taken: u64 = 0;
  for (let left = rows; left; left &= left - 1) {
    const row = <usize>ctz(left);
    const cursor = cursorOf(row);
    const p = <usize>load<u32>(cursor, CURSOR.next) + behind;
    // A string has a transition of its own, whose literal has the quote.
    if ((load<u8>(p) == 0x22) != areStrings) continue;
    const end = readScalar(p, slots, row);
    if (end == 0 || isPast(cursor, end)) continue;
    store<u32>(cursor, <u32>end, CURSOR.next);
    taken |= lowest(left);
  }
  return taken;
}
