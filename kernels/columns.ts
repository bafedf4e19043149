/** Slots → Arrow columns: one operation per column kind. Only rows that are OK come here. */
import { converted } from './decimal';
import {
  AMOUNT, AMOUNT_SLOT, ARROW_COLUMNS, BOOL, CHANGE_ID_SLOT, CHANGE_SEQ, COLUMNS, COLUMN_BYTES,
  EVENT_TIME_SLOT, EXTRA, HIGH_VALUE, HIGH_VALUE_THRESHOLD, INT64, ISSUES, JSON_TEXT, KAFKA_OFFSET,
  KAFKA_PARTITION, KAFKA_TIMESTAMP, K_FALSE, K_MISSING, K_NULL, K_STRING, K_TRUE, LATE, LATE_AFTER,
  MAX_CHANGE_SEQ, MAX_EVENT_TIME, MIN_CHANGE_SEQ, PARTITION, RAW, ROWS, ROWS_HIGH_VALUE, ROWS_LATE, ROWS_WITH_ISSUES,
  SLOTS, SLOT_BYTES, TEXT, TIMESTAMP,
} from './layout';
import { writeExtras } from './row';
import { copyBytes, decodeString, hexDigit } from './string';
import { MAX_MILLISECONDS, timestampConverted } from './timestamp';
import { amountOf, integerOf, locate, textFrom, textTo, timestampOf } from './conversion';

/** What derived columns need of the current row. */
let issues: u64 = 0;
let amount: i64 = 0;
let hasAmount: bool = false;
let eventTime: i64 = 0;
let hasEventTime: bool = false;

/**
 * Appends the row in the slots to all columns.
 * @param timestamp of the message, milliseconds, -1 for none
 */
export function appendRow(offset: i64, timestamp: i64): void {
  const row: usize = load<u32>(ROWS);
  const count: usize = load<u32>(ARROW_COLUMNS);
  issues = 0;
  hasAmount = false;
  hasEventTime = false;
  for (let i: usize = 0; i < count; i++) {
    const column = COLUMNS + i * COLUMN_BYTES;
    const slotIndex = load<u32>(column, 4);
    const slot = SLOTS + <usize>slotIndex * SLOT_BYTES;
    switch (load<u32>(column)) {
      case TEXT:
        appendText(column, row, slot, slotIndex);
        break;
      case JSON_TEXT:
        appendJson(column, row, slot);
        break;
      case AMOUNT:
        appendAmount(column, row, slot, slotIndex);
        break;
      case RAW:
        appendRaw(column, row, slot);
        break;
      case TIMESTAMP:
        appendTimestamp(column, row, slot, slotIndex);
        break;
      case INT64:
        appendInt64(column, row, slot, slotIndex);
        break;
      case BOOL:
        appendBool(column, row, slot, slotIndex);
        break;
      case EXTRA:
        appendExtra(column, row);
        break;
      case HIGH_VALUE: {
        const high = hasAmount && amount > load<i64>(HIGH_VALUE_THRESHOLD);
        if (high) setBit(load<u32>(column, 12), row);
        count32(ROWS_HIGH_VALUE, high);
        break;
      }
      case LATE: {
        const late = hasEventTime && hasTimestamp(timestamp) && eventTime < timestamp * 1000 - load<i64>(LATE_AFTER);
        if (late) setBit(load<u32>(column, 12), row);
        count32(ROWS_LATE, late);
        break;
      }
      case ISSUES:
        store<u64>(<usize>load<u32>(column, 12) + (row << 3), issues);
        count32(ROWS_WITH_ISSUES, issues != 0);
        break;
      case KAFKA_PARTITION:
        store<u32>(<usize>load<u32>(column, 12) + (row << 2), load<u32>(PARTITION));
        break;
      case KAFKA_OFFSET:
        store<i64>(<usize>load<u32>(column, 12) + (row << 3), offset);
        break;
      case KAFKA_TIMESTAMP:
        if (hasTimestamp(timestamp)) appendInt(column, row, timestamp * 1000);
        else appendNullInt(column, row);
        break;
      case CHANGE_SEQ:
        appendChangeSeq(column, row);
        break;
    }
  }
  store<u32>(ROWS, <u32>row + 1);
}

/** Whether it is a time: -1 says that there is none, and what is beyond every date is none either. */
@inline
function hasTimestamp(milliseconds: i64): bool {
  return milliseconds >= 0 && milliseconds <= MAX_MILLISECONDS;
}

@inline
function count32(counter: usize, one: bool): void {
  store<u32>(counter, load<u32>(counter) + u32(one));
}

@inline
function setBit(bits: usize, index: usize): void {
  const byte = bits + (index >> 3);
  store<u8>(byte, load<u8>(byte) | (1 << <u8>(index & 7)));
}

@inline
function setValid(column: usize, row: usize): void {
  const validity: usize = load<u32>(column, 20);
  if (validity) setBit(validity, row);
}

@inline
function countNull(column: usize): void {
  store<u32>(column, load<u32>(column, 24) + 1, 24);
}

@inline
function setIssue(slotIndex: u32): void {
  issues |= 1 << <u64>slotIndex;
}

/** Where the next bytes of a text column go. */
@inline
function textEnd(column: usize): usize {
  return <usize>load<u32>(column, 12) + load<u32>(column, 8);
}

/** Ends the text of this row, whose bytes were written from `textEnd` on. */
@inline
function endText(column: usize, row: usize, end: usize): void {
  const used = <u32>(end - load<u32>(column, 12));
  store<u32>(column, used, 8);
  store<u32>(<usize>load<u32>(column, 16) + (row << 2), used, 4);
  setValid(column, row);
}

@inline
function appendNullText(column: usize, row: usize): void {
  store<u32>(<usize>load<u32>(column, 16) + (row << 2), load<u32>(column, 8), 4);
  countNull(column);
}

@inline
function appendBytes(column: usize, row: usize, start: usize, end: usize): void {
  const to = textEnd(column);
  copyBytes(to, start, end - start);
  endText(column, row, to + (end - start));
}

function appendText(column: usize, row: usize, slot: usize, slotIndex: u32): void {
  const kind = load<u32>(slot);
  if (kind == K_STRING) appendString(column, row, slot);
  else if (kind == K_MISSING || kind == K_NULL) appendNullText(column, row);
  else {
    setIssue(slotIndex);
    appendBytes(column, row, load<u32>(slot, 4), load<u32>(slot, 8));
  }
}

@inline
function appendString(column: usize, row: usize, slot: usize): void {
  const start: usize = load<u32>(slot, 4);
  const end: usize = load<u32>(slot, 8);
  if (load<u32>(slot, 12)) endText(column, row, decodeString(textEnd(column), start, end));
  else appendBytes(column, row, start, end);
}

/** JSON text, byte for byte: a string with its quotes. */
function appendJson(column: usize, row: usize, slot: usize): void {
  const kind = load<u32>(slot);
  if (kind == K_MISSING || kind == K_NULL) appendNullText(column, row);
  else {
    const quote = usize(kind == K_STRING);
    appendBytes(column, row, <usize>load<u32>(slot, 4) - quote, <usize>load<u32>(slot, 8) + quote);
  }
}

/** The value as it came: a string decoded, anything else as its JSON text. */
function appendRaw(column: usize, row: usize, slot: usize): void {
  const kind = load<u32>(slot);
  if (kind == K_STRING) appendString(column, row, slot);
  else appendJson(column, row, slot);
}

function appendExtra(column: usize, row: usize): void {
  const to = textEnd(column);
  const end = writeExtras(to);
  if (end == to) appendNullText(column, row);
  else endText(column, row, end);
}

@inline
function appendInt(column: usize, row: usize, value: i64): void {
  store<i64>(<usize>load<u32>(column, 12) + (row << 3), value);
  setValid(column, row);
}

@inline
function appendNullInt(column: usize, row: usize): void {
  store<i64>(<usize>load<u32>(column, 12) + (row << 3), 0);
  countNull(column);
}

function appendAmount(column: usize, row: usize, slot: usize, slotIndex: u32): void {
  const data = <usize>load<u32>(column, 12) + (row << 4);
  const kind = load<u32>(slot);
  let value: i64 = 0;
  let valid = false;
  if (kind != K_MISSING && kind != K_NULL) {
    value = amountOf(slot, kind);
    valid = converted;
    if (!valid) setIssue(slotIndex);
  }
  store<i64>(data, valid ? value : 0);
  store<i64>(data, valid ? value >> 63 : 0, 8);
  if (valid) {
    setValid(column, row);
    if (slotIndex == load<u32>(AMOUNT_SLOT)) {
      amount = value;
      hasAmount = true;
    }
  } else countNull(column);
}

function appendTimestamp(column: usize, row: usize, slot: usize, slotIndex: u32): void {
  const kind = load<u32>(slot);
  if (kind == K_MISSING || kind == K_NULL) {
    appendNullInt(column, row);
    return;
  }
  const value = timestampOf(load<u32>(slot, 4), load<u32>(slot, 8), kind, load<u32>(slot, 12) != 0);
  if (!timestampConverted) {
    setIssue(slotIndex);
    appendNullInt(column, row);
    return;
  }
  appendInt(column, row, value);
  if (slotIndex == load<u32>(EVENT_TIME_SLOT)) {
    eventTime = value;
    hasEventTime = true;
    if (value > load<i64>(MAX_EVENT_TIME)) store<i64>(MAX_EVENT_TIME, value);
  }
}

function appendInt64(column: usize, row: usize, slot: usize, slotIndex: u32): void {
  const kind = load<u32>(slot);
  if (kind == K_MISSING || kind == K_NULL) {
    appendNullInt(column, row);
    return;
  }
  const value = integerOf(slot, kind);
  if (converted) appendInt(column, row, value);
  else {
    setIssue(slotIndex);
    appendNullInt(column, row);
  }
}

function appendBool(column: usize, row: usize, slot: usize, slotIndex: u32): void {
  const kind = load<u32>(slot);
  if (kind == K_TRUE) setBit(load<u32>(column, 12), row);
  if (kind == K_TRUE || kind == K_FALSE) setValid(column, row);
  else {
    countNull(column);
    if (kind != K_MISSING && kind != K_NULL) setIssue(slotIndex);
  }
}

/** The 16 hex digits behind a leading "82" of the change id: seconds and increment of a resume token; else 0. */
function appendChangeSeq(column: usize, row: usize): void {
  const slot = SLOTS + <usize>load<u32>(CHANGE_ID_SLOT) * SLOT_BYTES;
  locate(load<u32>(slot, 4), load<u32>(slot, 8), load<u32>(slot, 12) != 0);
  let sequence: u64 = 0;
  if (textTo - textFrom >= 18 && load<u16>(textFrom) == 0x3238) {
    for (let i: usize = 2; i < 18; i++) {
      const digit = hexDigit(load<u8>(textFrom + i));
      if (digit > 15) {
        sequence = 0;
        break;
      }
      sequence = (sequence << 4) | digit;
    }
  }
  store<u64>(<usize>load<u32>(column, 12) + (row << 3), sequence);
  if (sequence < load<u64>(MIN_CHANGE_SEQ)) store<u64>(MIN_CHANGE_SEQ, sequence);
  if (sequence > load<u64>(MAX_CHANGE_SEQ)) store<u64>(MAX_CHANGE_SEQ, sequence);
}
