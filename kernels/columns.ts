/** A block of slots → Arrow columns, a column at a time: one operation per kind. Only rows that are OK come here. */
import { COLUMN, COLUMNS, HEADER, KIND, OPERATION, SLOT, SLOTS, SPEC_COLUMN } from './abi';
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
import { appendAmounts, appendDates, appendIntegers, appendTimestamps } from './numbers';
import { copyBytes, decodeString } from './string';
import { keepUnread } from './unread';

/** Appends the block's rows to all columns but that of extras, and to that one what the others could not take. */
export function appendBlock(count: usize): void {
  if (count == 0) return;
  startBlock(count);
  const last = COLUMNS + <usize>load<u32>(HEADER.arrowColumnCount) * COLUMN.size;
  for (let column = COLUMNS; column != last; column += COLUMN.size) {
    const slotIndex = load<u32>(column, COLUMN.slot);
    appendColumn(column, slotIndex, slotsOf(slotIndex));
  }
  if (unreadRows) keepUnread();
  endBlock();
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
    case OPERATION.BOOL:
      return appendBooleans(column, slotIndex, slots);
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
  }
}

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
  const valid = rowsOfBlock(rowsOfKinds(slots, KIND.TRUE, KIND.FALSE));
  setBits(load<u32>(column, COLUMN.data), row, valid & rowsOfKinds(slots, KIND.TRUE, KIND.TRUE));
  setValid(column, valid);
  for (let left = rowsOfBlock(rowsOfKinds(slots, KIND.STRING, KIND.ARRAY)) & ~valid; left; left &= left - 1) {
    setUnread(<usize>ctz(left), slotIndex);
  }
}
