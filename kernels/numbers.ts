/** Columns of numbers: the most common forms of a block in loops without branches, then what is left one by one. */
import { HEADER, KIND, OPERATION, SLOT, SLOTS, SPEC_COLUMN } from './abi';
import { shortAmount } from './amount';
import {
  dataOf,
  fieldOf,
  rows,
  rowsOfBlock,
  rowsOfKinds,
  setAmounts,
  setEventTimes,
  setUnread,
  setValid,
} from './block';
import { amountOf, bytesAmount, doubleOf, readWide, integerOf, isString, timestampOf } from './conversion';
import { converted, exact, NOT_SHORT, shortDecimal } from './decimal';
import { DAY, NOT_SHORT_TIME, shortTimestamp, timestampConverted } from './timestamp';
import { high, low, setPrecision } from './wide';

/** Amounts in 128 bits: short numbers, short strings, all others. */
export function appendAmounts(column: usize, slotIndex: u32, slots: usize): void {
  const data = dataOf(column, 16);
  const field = fieldOf(slotIndex);
  const isBase64 = load<u8>(field, SPEC_COLUMN.isBase64) != 0;
  const scale = <i64>load<u8>(field, SPEC_COLUMN.scale);
  const numbers = rowsOfBlock(rowsOfKinds(slots, KIND.NUMBER, KIND.NUMBER));
  const strings = isBase64 ? 0 : rowsOfBlock(rowsOfKinds(slots, KIND.STRING, KIND.STRING));
  let valid: u64 = numbers ? appendShortNumbers(data, slots, numbers) : 0;
  if (strings) valid |= appendShortStrings(data, slots, strings);
  for (let left = rowsOfBlock(~valid); left; left &= left - 1) {
    const i = <usize>ctz(left);
    const slot = slots + i * SLOT.size;
    const kind: u32 = load<u8>(slots + i, SLOTS.kinds);
    let value: i64 = 0;
    if (kind > KIND.NULL) {
      const start: usize = load<u32>(slot, SLOT.start);
      const end: usize = load<u32>(slot, SLOT.end);
      const amount = isBase64 && isString(kind) ? bytesAmount(start, end, kind, scale) : amountOf(start, end, kind);
      if (converted) {
        value = amount;
        valid |= (<u64>1) << i;
      }
      if (!converted || !exact) setUnread(i, slotIndex);
    }
    store<i64>(data + (i << 4), value);
    store<i64>(data + (i << 4), value >> 63, 8);
  }
  setValid(column, valid);
  if (slotIndex == load<u32>(HEADER.amountSlot)) setAmounts(data, valid);
}

/** @returns those of the rows that have a short number */
function appendShortNumbers(data: usize, slots: usize, rows: u64): u64 {
  let left = rows;
  do {
    const i = <usize>ctz(left);
    const slot = slots + i * SLOT.size;
    const value = shortDecimal(load<u32>(slot, SLOT.start), load<u32>(slot, SLOT.end));
    if (value == NOT_SHORT) rows &= ~((<u64>1) << i);
    store<i64>(data + (i << 4), value);
    store<i64>(data + (i << 4), 0, 8);
  } while ((left &= left - 1));
  return rows;
}

/** The same for strings, whose forms take turns: in a loop of their own, since a mispredicted branch costs a value. */
function appendShortStrings(data: usize, slots: usize, rows: u64): u64 {
  let left = rows;
  do {
    const i = <usize>ctz(left);
    const slot = slots + i * SLOT.size;
    const value = shortAmount(load<u32>(slot, SLOT.start), load<u32>(slot, SLOT.end));
    if (value == NOT_SHORT) rows &= ~((<u64>1) << i);
    store<i64>(data + (i << 4), value);
    store<i64>(data + (i << 4), 0, 8);
  } while ((left &= left - 1));
  return rows;
}

/** Decimals of up to 38 digits, in 128 bits. */
export function appendDecimals(column: usize, slotIndex: u32, slots: usize): void {
  const data = dataOf(column, 16);
  const field = fieldOf(slotIndex);
  const isBase64 = load<u8>(field, SPEC_COLUMN.isBase64) != 0;
  const scale = <i64>load<u8>(field, SPEC_COLUMN.scale);
  const count = rows;
  let valid: u64 = 0;
  setPrecision(load<u8>(field, SPEC_COLUMN.precision));
  for (let i: usize = 0; i < count; i++) {
    const slot = slots + i * SLOT.size;
    const kind: u32 = load<u8>(slots + i, SLOTS.kinds);
    let isRead = false;
    if (kind > KIND.NULL) {
      readWide(load<u32>(slot, SLOT.start), load<u32>(slot, SLOT.end), kind, isBase64, scale);
      isRead = converted;
      if (!isRead) setUnread(i, slotIndex);
    }
    valid |= u64(isRead) << i;
    store<u64>(data + (i << 4), isRead ? low : 0);
    store<u64>(data + (i << 4), isRead ? high : 0, 8);
  }
  setValid(column, valid);
}

/** Whether `numberOf` found one. */
let found: bool = false;

/** The number that a value is for an operation: in microseconds, in days, or as it is; sets `found`. */
@inline
function numberOf(operation: u32, start: usize, end: usize, kind: u32, unit: i64): i64 {
  if (operation == OPERATION.INT64) {
    const value = integerOf(start, end, kind);
    found = converted;
    return value;
  }
  const time = timestampOf(start, end, kind, unit);
  found = timestampConverted;
  // Days start at midnight, before the epoch as well.
  return operation == OPERATION.TIMESTAMP ? time : time / DAY - i64(time % DAY < 0);
}

export function appendTimestamps(column: usize, slotIndex: u32, slots: usize): void {
  const data = dataOf(column, 8);
  const strings = rowsOfBlock(rowsOfKinds(slots, KIND.STRING, KIND.STRING));
  const short: u64 = strings ? appendShortTimes(data, slots, strings) : 0;
  const valid = appendNumbers(column, OPERATION.TIMESTAMP, slotIndex, slots, short);
  if (slotIndex == load<u32>(HEADER.eventTimeSlot)) setEventTimes(data, valid);
}

/** @returns those of the rows that have the form and the date that most have */
function appendShortTimes(data: usize, slots: usize, rows: u64): u64 {
  let left = rows;
  do {
    const i = <usize>ctz(left);
    const slot = slots + i * SLOT.size;
    const time = shortTimestamp(load<u32>(slot, SLOT.start), load<u32>(slot, SLOT.end));
    if (time == NOT_SHORT_TIME) rows &= ~((<u64>1) << i);
    store<i64>(data + (i << 3), time);
  } while ((left &= left - 1));
  return rows;
}

export function appendDates(column: usize, slotIndex: u32, slots: usize): void {
  appendNumbers(column, OPERATION.DATE, slotIndex, slots, 0);
}

export function appendIntegers(column: usize, slotIndex: u32, slots: usize): void {
  appendNumbers(column, OPERATION.INT64, slotIndex, slots, 0);
}

export function appendDoubles(column: usize, slotIndex: u32, slots: usize): void {
  const data = dataOf(column, 8);
  const count = rows;
  let valid: u64 = 0;
  for (let i: usize = 0; i < count; i++) {
    const slot = slots + i * SLOT.size;
    const kind: u32 = load<u8>(slots + i, SLOTS.kinds);
    let value: f64 = 0;
    if (kind > KIND.NULL) {
      const number = doubleOf(load<u32>(slot, SLOT.start), load<u32>(slot, SLOT.end), kind);
      if (converted) {
        value = number;
        valid |= (<u64>1) << i;
      } else setUnread(i, slotIndex);
    }
    store<f64>(data + (i << 3), value);
  }
  setValid(column, valid);
}

/**
 * Dates in 32 bits, others in 64; 0 if there is none.
 * @param valid the rows that were read before
 * @returns all that are valid
 */
@inline
function appendNumbers(column: usize, operation: u32, slotIndex: u32, slots: usize, valid: u64): u64 {
  const data = dataOf(column, operation == OPERATION.DATE ? 4 : 8);
  const unit = load<i64>(fieldOf(slotIndex), SPEC_COLUMN.unitMicroseconds);
  for (let left = rowsOfBlock(~valid); left; left &= left - 1) {
    const i = <usize>ctz(left);
    const slot = slots + i * SLOT.size;
    const kind: u32 = load<u8>(slots + i, SLOTS.kinds);
    let value: i64 = 0;
    if (kind > KIND.NULL) {
      const number = numberOf(operation, load<u32>(slot, SLOT.start), load<u32>(slot, SLOT.end), kind, unit);
      if (found) {
        value = number;
        valid |= (<u64>1) << i;
      } else setUnread(i, slotIndex);
    }
    if (operation == OPERATION.DATE) store<i32>(data + (i << 2), <i32>value);
    else store<i64>(data + (i << 3), value);
  }
  setValid(column, valid);
  return valid;
}
