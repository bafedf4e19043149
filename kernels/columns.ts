/** A block of slots → Arrow columns, a column at a time: one operation per kind. Only rows that are OK come here. */
import {
  dataOf,
  endBlock,
  row,
  rows,
  setAmounts,
  setEventTimes,
  setIssue,
  setBits,
  setTextEnd,
  setValid,
  startBlock,
  textEnd,
} from './block';
import { amountOf, integerOf, timestampOf } from './conversion';
import { converted } from './decimal';
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
  ISSUES, JSON_TEXT, KAFKA_OFFSET, KAFKA_PARTITION, KAFKA_TIMESTAMP, K_ESCAPED, K_FALSE, K_NULL, K_STRING, K_TRUE, LATE,
  RAW, SLOTS, SLOT_BYTES, SLOT_COLUMN_BYTES, TEXT, TIMESTAMP,
} from './layout';
import { copyBytes, decodeString } from './string';
import { DAY, timestampConverted } from './timestamp';

/** Appends the block's rows to all columns but that of extras. */
export function appendBlock(count: usize): void {
  if (count == 0) return;
  startBlock(count);
  const last = COLUMNS + <usize>load<u32>(ARROW_COLUMNS) * COLUMN_BYTES;
  for (let column = COLUMNS; column != last; column += COLUMN_BYTES) {
    const slotIndex = load<u32>(column, 4);
    appendColumn(column, slotIndex, <usize>load<u32>(SLOTS) + <usize>slotIndex * SLOT_COLUMN_BYTES);
  }
  endBlock();
}

function appendColumn(column: usize, slotIndex: u32, slots: usize): void {
  const operation = load<u32>(column);
  switch (operation) {
    case TEXT:
      return appendTexts(column, slotIndex, slots, false);
    case RAW:
      return appendTexts(column, slotIndex, slots, true);
    case JSON_TEXT:
      return appendJson(column, slots);
    // A loop for each: the operation is known inside of it.
    case AMOUNT:
      return appendNumbers(column, AMOUNT, slotIndex, slots);
    case TIMESTAMP:
      return appendNumbers(column, TIMESTAMP, slotIndex, slots);
    case DATE:
      return appendNumbers(column, DATE, slotIndex, slots);
    case INT64:
      return appendNumbers(column, INT64, slotIndex, slots);
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

/** Strings decoded, other values as their JSON text, which is an issue unless the column is `raw`. */
@inline
function appendTexts(column: usize, slotIndex: u32, slots: usize, raw: bool): void {
  const data: usize = load<u32>(column, 12);
  const offsets = <usize>load<u32>(column, 16) + ((row + 1) << 2);
  const count = rows;
  let to = textEnd(column);
  let valid: u64 = 0;
  for (let i: usize = 0; i < count; i++) {
    const slot = slots + i * SLOT_BYTES;
    const kind = load<u32>(slot, 8);
    const start: usize = load<u32>(slot);
    const end: usize = load<u32>(slot, 4);
    if (kind == K_STRING || (raw && kind > K_ESCAPED)) {
      valid |= (<u64>1) << i;
      to = appendBytes(to, start, end);
    } else if (kind > K_NULL) {
      valid |= (<u64>1) << i;
      to = kind == K_ESCAPED ? decodeString(to, start, end) : appendOther(to, start, end, i, slotIndex);
    }
    store<u32>(offsets + (i << 2), <u32>(to - data));
  }
  setTextEnd(column, to);
  setValid(column, valid);
}

/** The JSON text of a value that should be a string. */
function appendOther(to: usize, start: usize, end: usize, index: usize, slotIndex: u32): usize {
  setIssue(index, (<u64>1) << slotIndex);
  return appendBytes(to, start, end);
}

/** JSON text, byte for byte: a string with its quotes. */
function appendJson(column: usize, slots: usize): void {
  const data: usize = load<u32>(column, 12);
  const offsets = <usize>load<u32>(column, 16) + ((row + 1) << 2);
  const count = rows;
  let to = textEnd(column);
  let valid: u64 = 0;
  for (let i: usize = 0; i < count; i++) {
    const slot = slots + i * SLOT_BYTES;
    const kind = load<u32>(slot, 8);
    if (kind > K_NULL) {
      const quote = usize(kind <= K_ESCAPED);
      valid |= (<u64>1) << i;
      to = appendBytes(to, <usize>load<u32>(slot) - quote, <usize>load<u32>(slot, 4) + quote);
    }
    store<u32>(offsets + (i << 2), <u32>(to - data));
  }
  setTextEnd(column, to);
  setValid(column, valid);
}

/** Whether `numberOf` found one. */
let found: bool = false;

/** The number that a value is for an operation: scaled, in microseconds, in days, or as it is; sets `found`. */
@inline
function numberOf(operation: u32, start: usize, end: usize, kind: u32): i64 {
  if (operation == AMOUNT || operation == INT64) {
    const value = operation == AMOUNT ? amountOf(start, end, kind) : integerOf(start, end, kind);
    found = converted;
    return value;
  }
  const time = timestampOf(start, end, kind);
  found = timestampConverted;
  // Days start at midnight, before the epoch as well.
  return operation == TIMESTAMP ? time : time / DAY - i64(time % DAY < 0);
}

/** Amounts in 128 bits, dates in 32, all others in 64; 0 where there is none. */
@inline
function appendNumbers(column: usize, operation: u32, slotIndex: u32, slots: usize): void {
  const data = dataOf(column, operation == AMOUNT ? 16 : operation == DATE ? 4 : 8);
  const count = rows;
  let valid: u64 = 0;
  for (let i: usize = 0; i < count; i++) {
    const slot = slots + i * SLOT_BYTES;
    const kind = load<u32>(slot, 8);
    let value: i64 = 0;
    if (kind > K_NULL) {
      const number = numberOf(operation, load<u32>(slot), load<u32>(slot, 4), kind);
      if (found) {
        value = number;
        valid |= (<u64>1) << i;
      } else setIssue(i, (<u64>1) << slotIndex);
    }
    if (operation == AMOUNT) {
      store<i64>(data + (i << 4), value);
      store<i64>(data + (i << 4), value >> 63, 8);
    } else if (operation == DATE) store<i32>(data + (i << 2), <i32>value);
    else store<i64>(data + (i << 3), value);
  }
  setValid(column, valid);
  if (operation == AMOUNT && slotIndex == load<u32>(AMOUNT_SLOT)) setAmounts(data, valid);
  if (operation == TIMESTAMP && slotIndex == load<u32>(EVENT_TIME_SLOT)) setEventTimes(data, valid);
}

function appendBooleans(column: usize, slotIndex: u32, slots: usize): void {
  let valid: u64 = 0;
  let set: u64 = 0;
  for (let i: usize = 0; i < rows; i++) {
    const kind = load<u32>(slots + i * SLOT_BYTES, 8);
    if (kind == K_TRUE) set |= (<u64>1) << i;
    if (kind == K_TRUE || kind == K_FALSE) valid |= (<u64>1) << i;
    else if (kind > K_NULL) setIssue(i, (<u64>1) << slotIndex);
  }
  setBits(load<u32>(column, 12), row, set);
  setValid(column, valid);
}
