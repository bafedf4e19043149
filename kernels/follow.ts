/**
 * The learned path: the rows of a block are followed through the graph together, state by state. What a transition says
 * is looked up once for all rows that take it, and no row waits for another. A row for which the graph has no way is
 * left to the general path.
 */
import { slotsOf } from './block';
import { digitMask } from './decimal';
import { addExtra, endExtra, extraCount, setExtraCount, setNodeKey } from './extras';
import {
  ACTION_BYTES,
  ACTION_COUNT,
  ACTIONS,
  ANY_BYTES,
  END,
  END_CONTAINER,
  END_EXTRA,
  ENTER_NODE,
  FAN_BYTES,
  firstTransitions,
  firstWaiting,
  LENGTH,
  NEW_NODES,
  NEXT,
  NEXT_IS_STRING,
  NEXT_SLOTS,
  START_CONTAINER,
  START_EXTRA,
  takeWaiting,
  TRANSITION_BYTES,
  waitIn,
} from './graph';
import { kindOf, readScalar, setSlot } from './json';
import {
  BLOCK_ROWS,
  CURSOR_BYTES,
  CURSORS,
  K_MISSING,
  K_NUMBER,
  K_STRING,
  LANE_EXTRAS,
  LOST_ROWS,
  KINDS,
  MESSAGES,
  NODE_ROWS,
  SLOT_BYTES,
  SPEC_COLUMNS,
  SPECIAL_ROWS,
} from './layout';
import { valueStart } from './messages';
import { specialMask } from './string';

/** More digits than are read at one go. */
const BEYOND: u32 = 16;
/** Where each of 16 bytes matters. */
const ALL_BYTES: u32 = 0xffff0000;

/** The place in each row that is read next. */
@inline
function cursorOf(row: usize): usize {
  return CURSORS + row * CURSOR_BYTES;
}

/**
 * Follows rows of the block, a bit per row, into their slots and lanes. Nothing marks their ends: a string that is left
 * open is read into what comes behind, which is seen afterwards.
 * @returns the rows that the graph has a way for
 */
export function followRows(rows: u64): u64 {
  startRows(rows);
  let ended: u64 = 0;
  // Rows wait for those behind them, so that they are together where their ways meet again.
  for (let fan = firstWaiting(); fan; fan = firstWaiting()) {
    let left = takeWaiting(fan);
    const last = fan + FAN_BYTES;
    for (let transition = fan; left && transition != last && isUsed(transition); transition += TRANSITION_BYTES) {
      if (load<u32>(transition, NEXT) == END) {
        const taking = atEnd(transition, left);
        ended |= finish(transition, taking);
        left ^= taking;
      } else left ^= take(transition, left, transition + TRANSITION_BYTES != last && isUsed(transition + TRANSITION_BYTES));
    }
  }
  return ended;
}

@inline
function isUsed(transition: usize): bool {
  return load<u32>(transition, LENGTH) != 0;
}

/** Has the rows wait at their start, with nothing known of them. */
function startRows(rows: u64): void {
  for (let left = rows; left; left &= left - 1) {
    const row = <usize>ctz(left);
    const message = <usize>load<u32>(MESSAGES + (row << 2));
    store<u32>(cursorOf(row), <u32>valueStart(message));
    store<u32>(cursorOf(row), <u32>valueStart(message + 1), 4);
    setExtraCount(row, 0);
  }
  for (let at: usize = 0; at < 64 * 8; at += 8) store<u64>(NODE_ROWS + at, load<u64>(NODE_ROWS + at) & ~rows);
  const count: usize = load<u32>(SPEC_COLUMNS);
  for (let column: usize = 0; column < count; column++) clearKinds(slotsOf(column) + KINDS, rows);
  waitIn(firstTransitions(), rows);
}

/** Makes the kinds of these rows K_MISSING. */
@inline
function clearKinds(kinds: usize, rows: u64): void {
  if (rows == ~(<u64>0)) memory.fill(kinds, <u8>K_MISSING, BLOCK_ROWS);
  else for (let left = rows; left; left &= left - 1) store<u8>(kinds + <usize>ctz(left), K_MISSING);
}

/** Has those of the rows take a transition that can. @returns them */
@inline
function take(transition: usize, rows: u64, hasOthers: bool): u64 {
  const slots = <usize>load<u32>(transition, NEXT_SLOTS);
  const length = <usize>load<u32>(transition, LENGTH);
  if (hasOthers || length > 32) rows = matching(transition, length, rows);
  if (rows == 0) return 0;
  rows = load<u32>(transition, NEXT_IS_STRING)
    ? takeStrings(transition, rows, slots, length)
    : takeNumbers(transition, rows, slots, length);
  if (rows == 0) return 0;
  const going = act(transition, rows, slots, length);
  if (going) waitIn(load<u32>(transition, NEXT), going);
  return rows;
}

/** Does what a literal means for the rows that were read on to its end. @returns them */
@inline
function finish(transition: usize, rows: u64): u64 {
  return rows ? act(transition, rows, CURSORS, 0) : 0;
}

/** The rows that have the transition's literal, and end behind it. */
function atEnd(transition: usize, rows: u64): u64 {
  const length = <usize>load<u32>(transition, LENGTH);
  let ended: u64 = 0;
  for (let left = rows; left; left &= left - 1) {
    const cursor = cursorOf(<usize>ctz(left));
    const p: usize = load<u32>(cursor);
    if (hasLiteral(transition, length, p) && p + length == load<u32>(cursor, 4)) ended |= lowest(left);
  }
  return ended;
}

/**
 * Those of the rows that have the literal. Where rows part this comes first: it has no branches, of which each that is
 * not foreseen costs as much as two scalars.
 */
function matching(transition: usize, length: usize, rows: u64): u64 {
  let same = matching16(transition, 0, load<u32>(transition, ANY_BYTES), rows);
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
    const bytes = v128.load(<usize>load<u32>(cursorOf(<usize>row)) + at);
    same |= u64((<u32>i8x16.bitmask(i8x16.eq(bytes, wanted)) | anyBytes) == 0xffffffff) << row;
  }
  return same;
}

/** The lowest bit that is set. */
@inline
function lowest(bits: u64): u64 {
  return bits & (0 - bits);
}

/** Whether the transition's literal is at `p`. */
@inline
function hasLiteral(transition: usize, length: usize, p: usize): bool {
  const same = i8x16.bitmask(i8x16.eq(v128.load(p), v128.load(transition)));
  if ((<u32>same | load<u32>(transition, ANY_BYTES)) != 0xffffffff) return false;
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
function takeStrings(transition: usize, rows: u64, slots: usize, length: usize): u64 {
  const anyBytes = load<u32>(transition, ANY_BYTES);
  const head = v128.load(transition);
  const tail = v128.load(transition + length - 16);
  store<u64>(LOST_ROWS, 0);
  store<u64>(SPECIAL_ROWS, 0);
  let left = rows;
  do {
    const row = <usize>ctz(left);
    const cursor = cursorOf(row);
    let end: usize = load<u32>(cursor);
    const same = i8x16.bitmask(i8x16.eq(v128.load(end), head));
    end += length;
    let mask = specialMask(end);
    if ((<u32>same | anyBytes) != 0xffffffff) {
      note(LOST_ROWS, left);
      continue;
    }
    if (length > 16 && i8x16.bitmask(i8x16.eq(v128.load(end - 16), tail)) != 0xffff) {
      note(LOST_ROWS, left);
      continue;
    }
    store<u32>(slots + row * SLOT_BYTES, <u32>end);
    if (!mask) do mask = specialMask((end += 16)); while (!mask);
    end += ctz(mask);
    if (load<u8>(end) != 0x22) {
      note(SPECIAL_ROWS, left);
      continue;
    }
    store<u32>(slots + row * SLOT_BYTES, <u32>end, 4);
    store<u8>(slots + row, K_STRING, KINDS);
    end++;
    if (isPast(cursor, end)) note(LOST_ROWS, left);
    else store<u32>(cursor, <u32>end);
  } while ((left &= left - 1));
  return withSpecials(rows, slots, length - 1, true);
}

/** Sets the lowest bit of `left` in `rows`, in memory, for that is seldom. */
@inline
function note(rows: usize, left: u64): void {
  store<u64>(rows, load<u64>(rows) | lowest(left));
}

/** Whether a place is at the end of the row or behind it: there a bracket must be. */
@inline
function isPast(cursor: usize, p: usize): bool {
  return p >= <usize>load<u32>(cursor, 4);
}

/** The same for numbers, and scalars of all other kinds. */
function takeNumbers(transition: usize, rows: u64, slots: usize, length: usize): u64 {
  const anyBytes = load<u32>(transition, ANY_BYTES);
  const head = v128.load(transition);
  const tail = v128.load(transition + length - 16);
  store<u64>(LOST_ROWS, 0);
  store<u64>(SPECIAL_ROWS, 0);
  let left = rows;
  do {
    const row = <usize>ctz(left);
    const cursor = cursorOf(row);
    let end: usize = load<u32>(cursor);
    const same = i8x16.bitmask(i8x16.eq(v128.load(end), head));
    end += length;
    const others = ~digitMask(v128.load(end));
    if ((<u32>same | anyBytes) != 0xffffffff) {
      note(LOST_ROWS, left);
      continue;
    }
    if (length > 16 && i8x16.bitmask(i8x16.eq(v128.load(end - 16), tail)) != 0xffff) {
      note(LOST_ROWS, left);
      continue;
    }
    store<u32>(slots + row * SLOT_BYTES, <u32>end);
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
      note(SPECIAL_ROWS, left);
      continue;
    }
    end += digits;
    store<u32>(slots + row * SLOT_BYTES, <u32>end, 4);
    store<u8>(slots + row, K_NUMBER, KINDS);
    if (isPast(cursor, end)) note(LOST_ROWS, left);
    else store<u32>(cursor, <u32>end);
  } while ((left &= left - 1));
  return withSpecials(rows, slots, length, false);
}

/** The rows that are not lost, with the special ones read, whose scalars are `behind` bytes behind their cursors. */
@inline
function withSpecials(rows: u64, slots: usize, behind: usize, areStrings: bool): u64 {
  const special = load<u64>(SPECIAL_ROWS);
  rows &= ~load<u64>(LOST_ROWS);
  return special ? (rows & ~special) | takeScalars(special, slots, behind, areStrings) : rows;
}

/** Reads scalars of any form. @returns the rows that have one */
function takeScalars(rows: u64, slots: usize, behind: usize, areStrings: bool): u64 {
  let taken: u64 = 0;
  for (let left = rows; left; left &= left - 1) {
    const row = <usize>ctz(left);
    const cursor = cursorOf(row);
    const p = <usize>load<u32>(cursor) + behind;
    // A string has a transition of its own, whose literal has the quote.
    if ((load<u8>(p) == 0x22) != areStrings) continue;
    const end = readScalar(p, slots, row);
    if (end == 0 || isPast(cursor, end)) continue;
    store<u32>(cursor, <u32>end);
    taken |= lowest(left);
  }
  return taken;
}

/**
 * Does what the literal means besides the scalar behind it. For each row a record of 8 bytes in `places` starts with a
 * place, which is `behind` bytes behind where the literal is.
 * @returns the rows that have room for it, and have not entered an object twice
 */
@inline
function act(transition: usize, rows: u64, places: usize, behind: usize): u64 {
  const nodes = load<u64>(transition, NEW_NODES);
  if (nodes) rows &= ~enterNodes(nodes, rows);
  const count = <usize>load<u32>(transition, ACTION_COUNT);
  for (let i: usize = 0; i < count; i++) {
    rows = actOnce(transition + ACTIONS + i * ACTION_BYTES, transition, rows, places, behind);
  }
  return rows;
}

/** Notes that the rows enter mapped objects. @returns those that were in one of them before */
function enterNodes(nodes: u64, rows: u64): u64 {
  let twice: u64 = 0;
  for (; nodes; nodes &= nodes - 1) {
    const at = NODE_ROWS + (<usize>ctz(nodes) << 3);
    const entered = load<u64>(at);
    twice |= entered & rows;
    store<u64>(at, entered | rows);
  }
  return twice;
}

function actOnce(action: usize, literal: usize, rows: u64, places: usize, behind: usize): u64 {
  const operation = load<u32>(action);
  const subject = <usize>load<u32>(action, 4);
  const a = <usize>load<u32>(action, 8);
  const b = <usize>load<u32>(action, 12);
  const c = <usize>load<u32>(action, 16);
  if (operation == START_EXTRA) {
    for (let left = rows; left; left &= left - 1) {
      const row = <usize>ctz(left);
      const p = placeOf(places, row) - behind;
      if (extraCount(row) == LANE_EXTRAS) rows ^= lowest(left);
      else addExtra(row, subject, p + a, p + b, p + c, 0);
    }
    return rows;
  }
  const kind = kindOf(load<u8>(literal + a));
  for (let left = rows; left; left &= left - 1) {
    const row = <usize>ctz(left);
    const p = placeOf(places, row) - behind;
    if (operation == ENTER_NODE) setNodeKey(row, subject, p + a, p + b);
    else if (operation == START_CONTAINER) setSlot(subject, row, p + a, 0, kind);
    else if (operation == END_CONTAINER) store<u32>(subject + row * SLOT_BYTES, <u32>(p + a), 4);
    else endExtra(row, p + a);
  }
  return rows;
}

@inline
function placeOf(places: usize, row: usize): usize {
  return load<u32>(places + (row << 3));
}
