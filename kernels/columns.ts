/** A block of slots → Arrow columns, a column at a time: one operation per kind. Only rows that are OK come here. */
import {
  endBlock,
  fieldOf,
  row,
  rows,
  rowsOfBlock,
  rowsOfKinds,
  setIssue,
  setBits,
  setTextEnd,
  setUnread,
  setValid,
  slotsOf,
  startBlock,
  textEnd,
  unreadRows,
} from './block';
import { standsForText } from './conversion';
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
  AMOUNT, ARROW_COLUMNS, BOOL, CHANGE_SEQ, COLUMNS, COLUMN_BYTES, DATE, HIGH_VALUE, INT64, ISSUES, JSON_TEXT,
  KAFKA_OFFSET, KAFKA_PARTITION, KAFKA_TIMESTAMP, KINDS, K_ARRAY, K_ESCAPED, K_FALSE, K_MISSING, K_NULL, K_NUMBER,
  K_STRING, K_TRUE, LATE, RAW, SLOT_BYTES, TEXT, TIMESTAMP,
} from './layout';
import { appendAmounts, appendDates, appendIntegers, appendTimestamps } from './numbers';
import { copyBytes, decodeString } from './string';
import { keepUnread } from './unread';

/** Appends the block's rows to all columns but that of extras, and to that one what the others could not take. */
export function appendBlock(count: usize): void {
  if (count == 0) return;
  startBlock(count);
  const last = COLUMNS + <usize>load<u32>(ARROW_COLUMNS) * COLUMN_BYTES;
  for (let column = COLUMNS; column != last; column += COLUMN_BYTES) {
    const slotIndex = load<u32>(column, 4);
    appendColumn(column, slotIndex, slotsOf(slotIndex));
  }
  if (unreadRows) keepUnread();
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

/** Strings decoded, and what stands for a text as that; other values as their JSON text, which is an issue. */
export function appendText(column: usize, slotIndex: u32, slots: usize): void {
  if (rowsOfBlock(~rowsOfKinds(slots, K_STRING, K_STRING)) == 0) return appendPlain(column, slots);
  const others = rowsOfBlock(rowsOfKinds(slots, K_NUMBER, K_ARRAY));
  if (others == 0) return appendValues(column, slots);
  const isId = load<u8>(fieldOf(slotIndex), 1) != 0;
  for (let left = others; left; left &= left - 1) {
    const i = <usize>ctz(left);
    if (!standsForText(slots, i, isId)) setIssue(i, slotIndex);
  }
  appendRaw(column, slots);
}

/** Strings decoded, all other values as their JSON text. */
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

export function appendBooleans(column: usize, slotIndex: u32, slots: usize): void {
  const valid = rowsOfBlock(rowsOfKinds(slots, K_TRUE, K_FALSE));
  setBits(load<u32>(column, 12), row, valid & rowsOfKinds(slots, K_TRUE, K_TRUE));
  setValid(column, valid);
  for (let left = rowsOfBlock(rowsOfKinds(slots, K_STRING, K_ARRAY)) & ~valid; left; left &= left - 1) {
    setUnread(<usize>ctz(left), slotIndex);
  }
}
