/** The block of rows that goes to the columns: where it is, and how a column takes it over. */
import { BLOCK_ROWS, COLUMN, HEADER, ISSUE_BITS, RESULTS, SLOTS, SPEC_COLUMN, SPEC_COLUMNS, UNREAD } from './abi';

/** The block at hand: the first row's place in the columns, and how many rows there are. */
export let row: usize = 0;
export let rows: usize = 0;

/** What derived columns need: data of the columns in the roles, and in which rows they are valid. */
export let amounts: usize = 0;
export let amountValid: u64 = 0;
export let eventTimes: usize = 0;
export let eventTimeValid: u64 = 0;

/** The rows with a value that its column could not take, or not all of; `UNREAD` has the columns. */
export let unreadRows: u64 = 0;

/** Begins with the rows in the slots. */
export function startBlock(count: usize): void {
  row = load<u32>(RESULTS.rows);
  rows = count;
  amountValid = 0;
  eventTimeValid = 0;
  unreadRows = 0;
  memory.fill(ISSUE_BITS, 0, rows << 3);
}

/** Makes the rows part of the batch. */
export function endBlock(): void {
  store<u32>(RESULTS.rows, <u32>(row + rows));
}

/** Notes the column in the role of amount, whose values are at `data`. */
export function setAmounts(data: usize, valid: u64): void {
  amounts = data;
  amountValid = valid;
}

/** Notes the column in the role of event time, and the latest of all. */
export function setEventTimes(data: usize, valid: u64): void {
  eventTimes = data;
  eventTimeValid = valid;
  let latest = load<i64>(RESULTS.maxEventTime);
  for (let left = valid; left; left &= left - 1) latest = max(latest, load<i64>(data + (<usize>ctz(left) << 3)));
  store<i64>(RESULTS.maxEventTime, latest);
}

/** The slots of a spec column. */
@inline
export function slotsOf(column: usize): usize {
  return <usize>load<u32>(HEADER.slots) + column * SLOTS.size;
}

/** A bit per row of the block: whether the kind in its slot is one from `first` to `last`. */
@inline
export function rowsOfKinds(slots: usize, first: u32, last: u32): u64 {
  let found: u64 = 0;
  for (let i: usize = 0; i < BLOCK_ROWS; i += 16) {
    const kinds = i8x16.sub(v128.load(slots + i, SLOTS.kinds), i8x16.splat(<i8>first));
    found |= <u64>i8x16.bitmask(i8x16.le_u(kinds, i8x16.splat(<i8>(last - first)))) << i;
  }
  return found;
}

/** Makes the kinds of these rows of the block the same. */
@inline
export function setKinds(slots: usize, rows: u64, kind: u32): void {
  const bits = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
  const kinds = slots + SLOTS.kinds;
  for (let i: usize = 0; i < BLOCK_ROWS; i += 16) {
    // Each byte has the bits of eight rows, of which one is its own.
    const eights = i64x2.splat(<i64>(rows >> i));
    const bytes = i8x16.shuffle(eights, eights, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    const theirs = i8x16.eq(v128.and(bytes, bits), bits);
    v128.store(kinds + i, v128.bitselect(i8x16.splat(<i8>kind), v128.load(kinds + i), theirs));
  }
}

/** Those of the rows that the block has. */
@inline
export function rowsOfBlock(bits: u64): u64 {
  return bits & (~(<u64>0) >> (64 - <u64>rows));
}

/** Where the values of the block go in a column of `size` bytes per row. */
@inline
export function dataOf(column: usize, size: usize): usize {
  return <usize>load<u32>(column, COLUMN.data) + row * size;
}

/** Sets bits behind those of the rows before, which may end within a byte; those from here on are 0. */
@inline
export function setBits(bits: usize, at: usize, set: u64): void {
  const byte = bits + (at >> 3);
  const shift: u64 = at & 7;
  store<u64>(byte, load<u64>(byte) | (set << shift));
  if (shift) store<u8>(byte, set >> (64 - shift), 8);
}

/** Sets the validity of the block's rows, and counts the nulls. */
@inline
export function setValid(column: usize, valid: u64): void {
  const validity: usize = load<u32>(column, COLUMN.validity);
  if (validity) setBits(validity, row, valid);
  store<u32>(column, load<u32>(column, COLUMN.nulls) + <u32>(rows - <usize>popcnt(valid)), COLUMN.nulls);
}

/** The record of a spec column. */
@inline
export function fieldOf(column: u32): usize {
  return SPEC_COLUMNS + <usize>column * SPEC_COLUMN.size;
}

/** Notes that the row's value in a spec column is not as specified. */
export function setIssue(index: usize, column: u32): void {
  const issues = ISSUE_BITS + (index << 3);
  store<u64>(issues, load<u64>(issues) | ((<u64>1) << <u64>load<u8>(fieldOf(column), SPEC_COLUMN.issueBit)));
}

/** Notes that a spec column cannot take the row's value, or not all of it: extras keep it if no raw column does. */
export function setUnread(index: usize, column: u32): void {
  setIssue(index, column);
  if (load<u8>(fieldOf(column), SPEC_COLUMN.hasRaw)) return;
  const bit = (<u64>1) << index;
  const unread = UNREAD + (index << 3);
  store<u64>(unread, (unreadRows & bit ? load<u64>(unread) : 0) | ((<u64>1) << <u64>column));
  unreadRows |= bit;
}

/** Where the next bytes of a text column go. */
@inline
export function textEnd(column: usize): usize {
  return <usize>load<u32>(column, COLUMN.data) + load<u32>(column, COLUMN.bytesUsed);
}

@inline
export function setTextEnd(column: usize, end: usize): void {
  store<u32>(column, <u32>(end - load<u32>(column, COLUMN.data)), COLUMN.bytesUsed);
}
