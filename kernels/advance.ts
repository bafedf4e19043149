/**
 * A transition's literal and the scalar after it, in all rows that are in its state: a loop for each kind of scalar.
 *
 * These loops take most of the time. They call nothing, so that all they need stays in registers: rows that need more
 * are deferred to a slower loop.
 */
import { BLOCK_ROWS, CURSOR, CURSORS, DEFERRED_ROWS, KIND, LOST_ROWS, OPAQUE, SLOT, TRANSITION } from './abi';
import { setKinds } from './block';
import { digitMask } from './decimal';
import { readScalar } from './json';
import { needsHandling } from './string';

/** More digits than are read in one go. */
const BEYOND: u32 = 16;
/** Each of 16 bytes matters. */
const ALL_BYTES: u32 = 0xffff0000;

/** The place in each row that is read next. */
@inline
export function cursorOf(row: usize): usize {
  return CURSORS + row * CURSOR.size;
}

/** The rows that have the transition's literal, and end after it. */
export function atEnd(transition: usize, rows: u64): u64 {
  const length = <usize>load<u32>(transition, TRANSITION.length);
  let ended: u64 = 0;
  for (let left = rows; left; left &= left - 1) {
    const cursor = cursorOf(<usize>ctz(left));
    const p: usize = load<u32>(cursor, CURSOR.next);
    if (isAtLiteral(transition, length, p) && p + length == load<u32>(cursor, CURSOR.end)) ended |= lowest(left);
  }
  return ended;
}

/**
 * Those of the rows that have the literal. If a state has several transitions this comes first: it has no branches, and
 * a mispredicted one costs as much as two scalars.
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
function isAtLiteral(transition: usize, length: usize, p: usize): bool {
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

/** Reads the literal and the string after it into the slots. @returns the rows that have both */
export function advanceStrings(transition: usize, rows: u64, slots: usize, length: usize): u64 {
  const anyBytes = load<u32>(transition, TRANSITION.anyBytes);
  const head = v128.load(transition);
  const tail = v128.load(transition + length - 16);
  const bit1 = opaque(i8x16.splat(2));
  const low = opaque(i8x16.splat(0x21));
  const backslash = opaque(i8x16.splat(0x5c));
  store<u64>(LOST_ROWS, 0);
  store<u64>(DEFERRED_ROWS, 0);
  if (rows == ~(<u64>0)) {
    for (let row: usize = 0; row < BLOCK_ROWS; row++) {
      advanceString(row, slots, length, anyBytes, head, tail, bit1, low, backslash);
    }
  } else {
    let left = rows;
    do {
      advanceString(<usize>ctz(left), slots, length, anyBytes, head, tail, bit1, low, backslash);
    } while ((left &= left - 1));
  }
  return withDeferred(rows, slots, length - 1, KIND.STRING);
}

/** The same in one row, which is lost if it has no such string, and deferred if the string needs more. */
@inline
function advanceString(
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
  let mask = needsHandling(v128.load(end), bit1, low, backslash);
  if ((<u32>same | anyBytes) != 0xffffffff) return setBit(LOST_ROWS, row);
  if (length > 16) {
    if (i8x16.bitmask(i8x16.eq(v128.load(end - 16), tail)) != 0xffff) return setBit(LOST_ROWS, row);
  }
  store<u32>(slots + row * SLOT.size, <u32>end, SLOT.start);
  if (!mask) do mask = needsHandling(v128.load((end += 16)), bit1, low, backslash); while (!mask);
  end += ctz(mask);
  if (load<u8>(end) != 0x22) return setBit(DEFERRED_ROWS, row);
  store<u32>(slots + row * SLOT.size, <u32>end, SLOT.end);
  end++;
  if (isPast(cursor, end)) return setBit(LOST_ROWS, row);
  store<u32>(cursor, <u32>end, CURSOR.next);
}

/** Hides a constant from the compiler, which else makes it for every row: so it stays in a register. */
@inline
function opaque(constant: v128): v128 {
  v128.store(OPAQUE, constant);
  return v128.load(OPAQUE);
}

/** Sets the row's bit in `rows`, in memory, since that is rare. */
function setBit(rows: usize, row: usize): void {
  store<u64>(rows, load<u64>(rows) | ((<u64>1) << row));
}

/** Whether a place is at the end of the row or after it: a bracket must come before that. */
@inline
export function isPast(cursor: usize, p: usize): bool {
  return p >= <usize>load<u32>(cursor, CURSOR.end);
}

/** The same for numbers, and scalars of all other kinds. */
export function advanceNumbers(transition: usize, rows: u64, slots: usize, length: usize): u64 {
  const anyBytes = load<u32>(transition, TRANSITION.anyBytes);
  const head = v128.load(transition);
  const tail = v128.load(transition + length - 16);
  store<u64>(LOST_ROWS, 0);
  store<u64>(DEFERRED_ROWS, 0);
  let left = rows;
  do {
    const row = <usize>ctz(left);
    const cursor = cursorOf(row);
    let end: usize = load<u32>(cursor, CURSOR.next);
    const same = i8x16.bitmask(i8x16.eq(v128.load(end), head));
    end += length;
    const others = ~digitMask(v128.load(end));
    if ((<u32>same | anyBytes) != 0xffffffff) {
      setBit(LOST_ROWS, row);
      continue;
    }
    if (length > 16) {
      if (i8x16.bitmask(i8x16.eq(v128.load(end - 16), tail)) != 0xffff) {
        setBit(LOST_ROWS, row);
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
      setBit(DEFERRED_ROWS, row);
      continue;
    }
    end += digits;
    store<u32>(slots + row * SLOT.size, <u32>end, SLOT.end);
    if (isPast(cursor, end)) setBit(LOST_ROWS, row);
    else store<u32>(cursor, <u32>end, CURSOR.next);
  } while ((left &= left - 1));
  return withDeferred(rows, slots, length, KIND.NUMBER);
}

/**
 * Reads the deferred scalars, which are `offset` bytes after the cursors, and sets the kind of all others.
 * @returns the rows that are not lost
 */
@inline
function withDeferred(rows: u64, slots: usize, offset: usize, kind: u32): u64 {
  const deferred = load<u64>(DEFERRED_ROWS);
  const plain = rows & ~load<u64>(LOST_ROWS) & ~deferred;
  setKinds(slots, plain, kind);
  return deferred ? plain | advanceScalars(deferred, slots, offset, kind == KIND.STRING) : plain;
}

/** Reads scalars of any form. @returns the rows that have one */
function advanceScalars(rows: u64, slots: usize, offset: usize, areStrings: bool): u64 {
  let taken: u64 = 0;
  for (let left = rows; left; left &= left - 1) {
    const row = <usize>ctz(left);
    const cursor = cursorOf(row);
    const p = <usize>load<u32>(cursor, CURSOR.next) + offset;
    // A string has a transition of its own, whose literal has the quote.
    if ((load<u8>(p) == 0x22) != areStrings) continue;
    const end = readScalar(p, slots, row);
    if (end == 0 || isPast(cursor, end)) continue;
    store<u32>(cursor, <u32>end, CURSOR.next);
    taken |= lowest(left);
  }
  return taken;
}
