/** A block of slots → Arrow columns, a column at a time: one operation per kind. Only rows that are OK come here. */
import {
  dataOf,
  endBlock,
  row,
  rows,
  rowsOfBlock,
  rowsOfKinds,
  setAmounts,
  setEventTimes,
  setIssue,
  setBits,
  setTextEnd,
  setValid,
  slotsOf,
  startBlock,
  textEnd,
} from './block';
import { shortAmount } from './amount';
import { amountOf, integerOf, timestampOf } from './conversion';
import { converted, NOT_SHORT, shortDecimal } from './decimal';
import {
  appendChangeSeq,
  appendHighValue,
  appendIssues,
  appendKafkaTimestamps,
  appendLate,
  appendOffsets,
  appendPartition,
} from './derived';
import {
  AMOUNT, AMOUNT_SLOT, ARROW_COLUMNS, BOOL, CHANGE_SEQ, COLUMNS, COLUMN_BYTES, DATE, EVENT_TIME_SLOT, HIGH_VALUE, INT64,
  ISSUES, JSON_TEXT, KAFKA_OFFSET, KAFKA_PARTITION, KAFKA_TIMESTAMP, KINDS, K_ARRAY, K_ESCAPED, K_FALSE, K_MISSING,
  K_NULL, K_NUMBER, K_STRING, K_TRUE, LATE, RAW, SLOT_BYTES, TEXT, TIMESTAMP,
} from './layout';
import { copy32, copyBytes, decodeString } from './string';
import { DAY, NOT_SHORT_TIME, shortTimestamp, timestampConverted } from './timestamp';

/** Appends the block's rows to all columns but that of extras. */
export function appendBlock(count: usize): void {
  if (count == 0) return;
  startBlock(count);
  const last = COLUMNS + <usize>load<u32>(ARROW_COLUMNS) * COLUMN_BYTES;
  for (let column = COLUMNS; column != last; column += COLUMN_BYTES) {
    const slotIndex = load<u32>(column, 4);
    appendColumn(column, slotIndex, slotsOf(slotIndex));
  }
  endBlock();
}

function appendColumn(column: usize, slotIndex: u32, slots: usize): void {
  switch (load<u32>(column)) {
    case TEXT:
      return appendText(column, slotIndex, slots);
    case RAW:
      return appendRaw(column, slots);
    case JSON_TEXT:
      return appendJson(column, slots);
    case AMOUNT:
      return appendAmounts(column, slotIndex, slots);
    case TIMESTAMP:
      return appendTimestamps(column, slotIndex, slots);
    case DATE:
      return appendDates(column, slotIndex, slots);
    case INT64:
      return appendIntegers(column, slotIndex, slots);
    case BOOL:
      return appendBooleans(column, slotIndex, slots);
    case HIGH_VALUE:
      return appendHighValue(column);
    case LATE:
      return appendLate(column);
    case ISSUES:
      return appendIssues(column);
    case KAFKA_PARTITION:
      return appendPartition(column);
    case KAFKA_OFFSET:
      return appendOffsets(column);
    case KAFKA_TIMESTAMP:
      return appendKafkaTimestamps(column);
    case CHANGE_SEQ:
      return appendChangeSeq(column);
  }
}

@inline
function appendBytes(to: usize, start: usize, end: usize): usize {
  copyBytes(to, start, end - start);
  return to + (end - start);
}

/** The bytes in the slots of all rows: most blocks have nothing else in a column. */
function appendPlain(column: usize, slots: usize): void {
  const data: usize = load<u32>(column, 12);
  const offsets = <usize>load<u32>(column, 16) + ((row + 1) << 2);
  const count = rows;
  let to = textEnd(column);
  let i: usize = 0;
  do {
    const slot = load<u64>(slots + i * SLOT_BYTES);
    const start = <usize>slot;
    const length = <usize>(slot >> 32) - start;
    v128.store(to, v128.load(start));
    if (length > 16) {
      let at: usize = 16;
      do {
        v128.store(to + at, v128.load(start + at));
        at += 16;
      } while (at < length);
    }
    to += length;
    store<u32>(offsets + (i << 2), <u32>(to - data));
  } while (++i < count);
  setTextEnd(column, to);
  setValid(column, rowsOfBlock(~(<u64>0)));
}

/** Strings decoded, other values as their JSON text, which is an issue. */
export function appendText(column: usize, slotIndex: u32, slots: usize): void {
  if (rowsOfBlock(~rowsOfKinds(slots, K_STRING, K_STRING)) == 0) return appendPlain(column, slots);
  appendValues(column, slots);
  for (let left = rowsOfBlock(rowsOfKinds(slots, K_NUMBER, K_ARRAY)); left; left &= left - 1) {
    setIssue(<usize>ctz(left), (<u64>1) << slotIndex);
  }
}

/** The same without an issue. */
export function appendRaw(column: usize, slots: usize): void {
  if (rowsOfBlock(rowsOfKinds(slots, K_MISSING, K_NULL) | rowsOfKinds(slots, K_ESCAPED, K_ESCAPED)) == 0) {
    appendPlain(column, slots);
  } else appendValues(column, slots);
}

/** Strings decoded, other values as their JSON text. */
function appendValues(column: usize, slots: usize): void {
  const data: usize = load<u32>(column, 12);
  const offsets = <usize>load<u32>(column, 16) + ((row + 1) << 2);
  const count = rows;
  let to = textEnd(column);
  for (let i: usize = 0; i < count; i++) {
    const slot = slots + i * SLOT_BYTES;
    const kind: u32 = load<u8>(slots + i, KINDS);
    const start: usize = load<u32>(slot);
    const end: usize = load<u32>(slot, 4);
    if (kind == K_ESCAPED) to = decodeString(to, start, end);
    else if (kind > K_NULL) to = appendBytes(to, start, end);
    store<u32>(offsets + (i << 2), <u32>(to - data));
  }
  setTextEnd(column, to);
  setValid(column, rowsOfBlock(rowsOfKinds(slots, K_STRING, K_ARRAY)));
}

/** JSON text, byte for byte: a string with its quotes. */
export function appendJson(column: usize, slots: usize): void {
  if (rowsOfBlock(~rowsOfKinds(slots, K_NUMBER, K_ARRAY)) == 0) return appendPlain(column, slots);
  const data: usize = load<u32>(column, 12);
  const offsets = <usize>load<u32>(column, 16) + ((row + 1) << 2);
  const count = rows;
  let to = textEnd(column);
  for (let i: usize = 0; i < count; i++) {
    const slot = slots + i * SLOT_BYTES;
    const kind: u32 = load<u8>(slots + i, KINDS);
    const quote = usize(kind <= K_ESCAPED);
    if (kind > K_NULL) to = appendBytes(to, <usize>load<u32>(slot) - quote, <usize>load<u32>(slot, 4) + quote);
    store<u32>(offsets + (i << 2), <u32>(to - data));
  }
  setTextEnd(column, to);
  setValid(column, rowsOfBlock(rowsOfKinds(slots, K_STRING, K_ARRAY)));
}

/** Amounts in 128 bits: short numbers, short strings, all others. Forms of strings take turns, those of numbers do not. */
export function appendAmounts(column: usize, slotIndex: u32, slots: usize): void {
  const data = dataOf(column, 16);
  const numbers = rowsOfBlock(rowsOfKinds(slots, K_NUMBER, K_NUMBER));
  const strings = rowsOfBlock(rowsOfKinds(slots, K_STRING, K_STRING));
  let valid: u64 = numbers ? appendShortNumbers(data, slots, numbers) : 0;
  if (strings) valid |= appendShortStrings(data, slots, strings);
  for (let left = rowsOfBlock(~valid); left; left &= left - 1) {
    const i = <usize>ctz(left);
    const slot = slots + i * SLOT_BYTES;
    const kind: u32 = load<u8>(slots + i, KINDS);
    let value: i64 = 0;
    if (kind > K_NULL) {
      value = amountOf(load<u32>(slot), load<u32>(slot, 4), kind);
      if (converted) valid |= (<u64>1) << i;
      else setIssue(i, (<u64>1) << slotIndex);
    }
    store<i64>(data + (i << 4), value);
    store<i64>(data + (i << 4), value >> 63, 8);
  }
  setValid(column, valid);
  if (slotIndex == load<u32>(AMOUNT_SLOT)) setAmounts(data, valid);
}

/** @returns those of the rows that have a short amount */
function appendShortNumbers(data: usize, slots: usize, rows: u64): u64 {
  let left = rows;
  do {
    const i = <usize>ctz(left);
    const slot = slots + i * SLOT_BYTES;
    const value = shortDecimal(load<u32>(slot), load<u32>(slot, 4));
    if (value == NOT_SHORT) rows &= ~((<u64>1) << i);
    store<i64>(data + (i << 4), value);
    store<i64>(data + (i << 4), 0, 8);
  } while ((left &= left - 1));
  return rows;
}

function appendShortStrings(data: usize, slots: usize, rows: u64): u64 {
  let left = rows;
  do {
    const i = <usize>ctz(left);
    const slot = slots + i * SLOT_BYTES;
    const value = shortAmount(load<u32>(slot), load<u32>(slot, 4));
    if (value == NOT_SHORT) rows &= ~((<u64>1) << i);
    store<i64>(data + (i << 4), value);
    store<i64>(data + (i << 4), 0, 8);
  } while ((left &= left - 1));
  return rows;
}

/** Whether `numberOf` found one. */
let found: bool = false;

/** The number that a value is for an operation: in microseconds, in days, or as it is; sets `found`. */
@inline
function numberOf(operation: u32, start: usize, end: usize, kind: u32): i64 {
  if (operation == INT64) {
    const value = integerOf(start, end, kind);
    found = converted;
    return value;
  }
  const time = timestampOf(start, end, kind);
  found = timestampConverted;
  // Days start at midnight, before the epoch as well.
  return operation == TIMESTAMP ? time : time / DAY - i64(time % DAY < 0);
}

export function appendTimestamps(column: usize, slotIndex: u32, slots: usize): void {
  const data = dataOf(column, 8);
  const strings = rowsOfBlock(rowsOfKinds(slots, K_STRING, K_STRING));
  const short: u64 = strings ? appendShortTimes(data, slots, strings) : 0;
  const valid = appendNumbers(column, TIMESTAMP, slotIndex, slots, short);
  if (slotIndex == load<u32>(EVENT_TIME_SLOT)) setEventTimes(data, valid);
}

/** @returns those of the rows that have the form and the date that most have */
function appendShortTimes(data: usize, slots: usize, rows: u64): u64 {
  let left = rows;
  do {
    const i = <usize>ctz(left);
    const slot = slots + i * SLOT_BYTES;
    const time = shortTimestamp(load<u32>(slot), load<u32>(slot, 4));
    if (time == NOT_SHORT_TIME) rows &= ~((<u64>1) << i);
    store<i64>(data + (i << 3), time);
  } while ((left &= left - 1));
  return rows;
}

export function appendDates(column: usize, slotIndex: u32, slots: usize): void {
  appendNumbers(column, DATE, slotIndex, slots, 0);
}

export function appendIntegers(column: usize, slotIndex: u32, slots: usize): void {
  appendNumbers(column, INT64, slotIndex, slots, 0);
}

/** Dates in 32 bits, others in 64; 0 where there is none. @param valid rows that are read @returns all that are valid */
@inline
function appendNumbers(column: usize, operation: u32, slotIndex: u32, slots: usize, valid: u64): u64 {
  const data = dataOf(column, operation == DATE ? 4 : 8);
  for (let left = rowsOfBlock(~valid); left; left &= left - 1) {
    const i = <usize>ctz(left);
    const slot = slots + i * SLOT_BYTES;
    const kind: u32 = load<u8>(slots + i, KINDS);
    let value: i64 = 0;
    if (kind > K_NULL) {
      const number = numberOf(operation, load<u32>(slot), load<u32>(slot, 4), kind);
      if (found) {
        value = number;
        valid |= (<u64>1) << i;
      } else setIssue(i, (<u64>1) << slotIndex);
    }
    if (operation == DATE) store<i32>(data + (i << 2), <i32>value);
    else store<i64>(data + (i << 3), value);
  }
  setValid(column, valid);
  return valid;
}

export function appendBooleans(column: usize, slotIndex: u32, slots: usize): void {
  let valid: u64 = 0;
  let set: u64 = 0;
  for (let i: usize = 0; i < rows; i++) {
    const kind: u32 = load<u8>(slots + i, KINDS);
    if (kind == K_TRUE) set |= (<u64>1) << i;
    if (kind == K_TRUE || kind == K_FALSE) valid |= (<u64>1) << i;
    else if (kind > K_NULL) setIssue(i, (<u64>1) << slotIndex);
  }
  setBits(load<u32>(column, 12), row, set);
  setValid(column, valid);
}
