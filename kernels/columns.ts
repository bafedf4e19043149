/** A block of slots → Arrow columns, a column at a time: one operation per kind. Only rows that are OK come here. */
import { COLUMN, COLUMNS, HEADER, KIND, OPERATION, SLOT, SLOTS, SPEC_COLUMN, WORD } from './abi';
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
import { appendBinary, appendUuids } from './binary';
import { countFailing, rejectFailing } from './checks';
import { isString, locate, standsForText, textFrom, textTo } from './conversion';
import {
  appendChangeSeq,
  appendHighValue,
  appendIssues,
  appendKafkaTimestamps,
  appendLate,
  appendOffsets,
  appendPartition,
} from './derived';
import { sameBytes } from './keys';
import { appendMaskedJson, appendMaskedRaw, appendMaskedText, dropValues } from './masks';
import { appendAmounts, appendDates, appendDecimals, appendDoubles, appendIntegers, appendTimestamps } from './numbers';
import { retractRows, saveBlock } from './retract';
import { copyBytes, decodeString } from './string';
import { truncateColumn } from './truncate';
import { keepUnread } from './unread';

/**
 * Appends the block's rows to all columns but that of extras, and to that one what the others could not take. Rows that
 * fail an expectation that quarantines are rejected: only the columns tell, so they are written again without them.
 */
export function appendBlock(count: usize): void {
  if (count == 0) return;
  const quarantines = load<u32>(HEADER.quarantineChecks) != 0;
  if (quarantines) saveBlock();
  appendColumns(count);
  const rejected: u64 = quarantines ? rejectFailing() : 0;
  if (rejected) {
    const left = retractRows(rejected);
    if (left == 0) return;
    appendColumns(left);
  }
  if (unreadRows) keepUnread();
  countFailing();
  endBlock();
}

function appendColumns(count: usize): void {
  startBlock(count);
  const hasMasks = load<u32>(HEADER.maskRoot) != 0;
  const last = COLUMNS + <usize>load<u32>(HEADER.arrowColumnCount) * COLUMN.size;
  for (let column = COLUMNS; column != last; column += COLUMN.size) {
    const slotIndex = load<u32>(column, COLUMN.slot);
    if (hasMasks) dropValues(slotIndex, slotsOf(slotIndex));
    appendColumn(column, slotIndex, slotsOf(slotIndex));
    if (hasMasks) truncateColumn(column, slotIndex);
  }
}

function appendColumn(column: usize, slotIndex: u32, slots: usize): void {
  switch (load<u32>(column, COLUMN.operation)) {
    case OPERATION.TEXT:
      return appendText(column, slotIndex, slots);
    case OPERATION.RAW:
      return appendRaw(column, slots);
    case OPERATION.JSON:
      return appendJson(column, slots);
    case OPERATION.AMOUNT:
      return appendAmounts(column, slotIndex, slots);
    case OPERATION.TIMESTAMP:
      return appendTimestamps(column, slotIndex, slots);
    case OPERATION.DATE:
      return appendDates(column, slotIndex, slots);
    case OPERATION.INT64:
      return appendIntegers(column, slotIndex, slots);
    case OPERATION.DECIMAL:
      return appendDecimals(column, slotIndex, slots);
    case OPERATION.DOUBLE:
      return appendDoubles(column, slotIndex, slots);
    case OPERATION.BOOL:
      return appendBooleans(column, slotIndex, slots);
    case OPERATION.UUID:
      return appendUuids(column, slotIndex, slots);
    case OPERATION.BINARY:
      return appendBinary(column, slotIndex, slots);
    case OPERATION.MAPPED:
      return appendMapped(column, slotIndex, slots);
    case OPERATION.IS_HIGH_VALUE:
      return appendHighValue(column);
    case OPERATION.IS_LATE:
      return appendLate(column);
    case OPERATION.ISSUES:
      return appendIssues(column);
    case OPERATION.KAFKA_PARTITION:
      return appendPartition(column);
    case OPERATION.KAFKA_OFFSET:
      return appendOffsets(column);
    case OPERATION.KAFKA_TIMESTAMP:
      return appendKafkaTimestamps(column);
    case OPERATION.CHANGE_SEQ:
      return appendChangeSeq(column);
    case OPERATION.MASKED_TEXT:
      return appendMaskedText(column, slotIndex, slots);
    case OPERATION.MASKED_JSON:
      return appendMaskedJson(column, slotIndex, slots);
    case OPERATION.MASKED_RAW:
      return appendMaskedRaw(column, slots);
  }
}

/** "true" and "fals", little endian. */
const TRUE_WORD: u32 = 0x65757274;
const FALSE_WORD: u32 = 0x736c6166;

@inline
function appendBytes(to: usize, start: usize, end: usize): usize {
  copyBytes(to, start, end - start);
  return to + (end - start);
}

/** The bytes in the slots of all rows: most blocks have nothing else in a column. */
function appendPlain(column: usize, slots: usize): void {
  const data: usize = load<u32>(column, COLUMN.data);
  const offsets = <usize>load<u32>(column, COLUMN.offsets) + ((row + 1) << 2);
  const count = rows;
  let to = textEnd(column);
  let i: usize = 0;
  do {
    const slot = load<u64>(slots + i * SLOT.size);
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
  if (rowsOfBlock(~rowsOfKinds(slots, KIND.STRING, KIND.STRING)) == 0) return appendPlain(column, slots);
  const others = rowsOfBlock(rowsOfKinds(slots, KIND.NUMBER, KIND.ARRAY));
  if (others == 0) return appendValues(column, slots);
  const isId = load<u8>(fieldOf(slotIndex), SPEC_COLUMN.takesIntegers) != 0;
  for (let left = others; left; left &= left - 1) {
    const i = <usize>ctz(left);
    if (!standsForText(slots, i, isId)) setIssue(i, slotIndex);
  }
  appendRaw(column, slots);
}

/** Strings decoded, all other values as their JSON text. */
export function appendRaw(column: usize, slots: usize): void {
  if (rowsOfBlock(rowsOfKinds(slots, KIND.MISSING, KIND.NULL) | rowsOfKinds(slots, KIND.ESCAPED, KIND.ESCAPED)) == 0) {
    appendPlain(column, slots);
  } else appendValues(column, slots);
}

/** Strings decoded, other values as their JSON text. */
function appendValues(column: usize, slots: usize): void {
  const data: usize = load<u32>(column, COLUMN.data);
  const offsets = <usize>load<u32>(column, COLUMN.offsets) + ((row + 1) << 2);
  const count = rows;
  let to = textEnd(column);
  for (let i: usize = 0; i < count; i++) {
    const slot = slots + i * SLOT.size;
    const kind: u32 = load<u8>(slots + i, SLOTS.kinds);
    const start: usize = load<u32>(slot, SLOT.start);
    const end: usize = load<u32>(slot, SLOT.end);
    if (kind == KIND.ESCAPED) to = decodeString(to, start, end);
    else if (kind > KIND.NULL) to = appendBytes(to, start, end);
    store<u32>(offsets + (i << 2), <u32>(to - data));
  }
  setTextEnd(column, to);
  setValid(column, rowsOfBlock(rowsOfKinds(slots, KIND.STRING, KIND.ARRAY)));
}

/** JSON text, byte for byte: a string with its quotes. */
export function appendJson(column: usize, slots: usize): void {
  if (rowsOfBlock(~rowsOfKinds(slots, KIND.NUMBER, KIND.ARRAY)) == 0) return appendPlain(column, slots);
  const data: usize = load<u32>(column, COLUMN.data);
  const offsets = <usize>load<u32>(column, COLUMN.offsets) + ((row + 1) << 2);
  const count = rows;
  let to = textEnd(column);
  for (let i: usize = 0; i < count; i++) {
    const slot = slots + i * SLOT.size;
    const kind: u32 = load<u8>(slots + i, SLOTS.kinds);
    const start: usize = load<u32>(slot, SLOT.start);
    const end: usize = load<u32>(slot, SLOT.end);
    const quote = usize(kind <= KIND.ESCAPED);
    if (kind > KIND.NULL) to = appendBytes(to, start - quote, end + quote);
    store<u32>(offsets + (i << 2), <u32>(to - data));
  }
  setTextEnd(column, to);
  setValid(column, rowsOfBlock(rowsOfKinds(slots, KIND.STRING, KIND.ARRAY)));
}

export function appendBooleans(column: usize, slotIndex: u32, slots: usize): void {
  let valid = rowsOfBlock(rowsOfKinds(slots, KIND.TRUE, KIND.FALSE));
  let set = valid & rowsOfKinds(slots, KIND.TRUE, KIND.TRUE);
  for (let left = rowsOfBlock(rowsOfKinds(slots, KIND.STRING, KIND.ARRAY)) & ~valid; left; left &= left - 1) {
    const i = <usize>ctz(left);
    const kind = booleanText(slots, i);
    const bit = (<u64>1) << i;
    if (kind) valid |= bit;
    else setUnread(i, slotIndex);
    if (kind == KIND.TRUE) set |= bit;
  }
  setBits(load<u32>(column, COLUMN.data), row, set);
  setValid(column, valid);
}

/** KIND.TRUE or KIND.FALSE if the row's value is a string with that word; else 0. */
function booleanText(slots: usize, index: usize): u32 {
  const kind: u32 = load<u8>(slots + index, SLOTS.kinds);
  if (!isString(kind)) return 0;
  const slot = slots + index * SLOT.size;
  locate(load<u32>(slot, SLOT.start), load<u32>(slot, SLOT.end), kind);
  const length = textTo - textFrom;
  const word = load<u32>(textFrom);
  if (length == 4 && word == TRUE_WORD) return KIND.TRUE;
  return length == 5 && word == FALSE_WORD && load<u8>(textFrom, 4) == 0x65 ? KIND.FALSE : 0;
}

/** Our words for the topic's operations; what the table does not have is none of ours. */
export function appendMapped(column: usize, slotIndex: u32, slots: usize): void {
  const data: usize = load<u32>(column, COLUMN.data);
  const offsets = <usize>load<u32>(column, COLUMN.offsets) + ((row + 1) << 2);
  const count = rows;
  let valid: u64 = 0;
  let to = textEnd(column);
  for (let i: usize = 0; i < count; i++) {
    const slot = slots + i * SLOT.size;
    const kind: u32 = load<u8>(slots + i, SLOTS.kinds);
    if (kind > KIND.NULL) {
      const word = kind < KIND.OBJECT ? wordOf(load<u32>(slot, SLOT.start), load<u32>(slot, SLOT.end), kind) : 0;
      if (word) {
        const start: usize = load<u32>(word, WORD.to);
        to = appendBytes(to, start, start + load<u32>(word, WORD.toLength));
        valid |= (<u64>1) << i;
      } else setUnread(i, slotIndex);
    }
    store<u32>(offsets + (i << 2), <u32>(to - data));
  }
  setTextEnd(column, to);
  setValid(column, valid);
}

/** The record of the word that a value is, 0 if there is none. */
function wordOf(start: usize, end: usize, kind: u32): usize {
  locate(start, end, kind);
  const length = textTo - textFrom;
  const first: usize = load<u32>(HEADER.words);
  const last = first + <usize>load<u32>(HEADER.wordCount) * WORD.size;
  for (let word = first; word != last; word += WORD.size) {
    const from: usize = load<u32>(word, WORD.from);
    const isAlike = <usize>load<u32>(word, WORD.fromLength) == length;
    if (from == start || (isAlike && sameBytes(from, textFrom, length))) return word;
  }
  return 0;
}
