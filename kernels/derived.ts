/** Columns that no path of the spec leads to: fields that are left over, flags, and where the message came from. */
import { COLUMN, HEADER, ISSUE_BITS, KIND, MESSAGES, NO_SLOT, RESULTS, SLOT } from './abi';
import {
  amounts,
  amountValid,
  dataOf,
  eventTimes,
  eventTimeValid,
  row,
  rows,
  rowsOfKinds,
  setBits,
  setTextEnd,
  setValid,
  slotsOf,
  textEnd,
} from './block';
import { locate, textFrom, textTo } from './conversion';
import { extraCount, writeExtras } from './extras';
import { hexNumber } from './string';
import { MAX_MILLISECONDS } from './timestamp';

@inline
function count32(counter: usize, more: u64): void {
  store<u32>(counter, load<u32>(counter) + <u32>more);
}

/** Appends the extras of a row context, of what becomes the block's row `index`; they do not wait for the block. */
export function appendExtras(context: usize, index: usize): void {
  const column: usize = load<u32>(HEADER.extraColumn);
  const at = <usize>load<u32>(RESULTS.rows) + index;
  const to = textEnd(column);
  const end = extraCount(context) ? writeExtras(context, to) : to;
  if (end == to) store<u32>(column, load<u32>(column, COLUMN.nulls) + 1, COLUMN.nulls);
  else {
    setTextEnd(column, end);
    setBits(load<u32>(column, COLUMN.validity), at, 1);
  }
  store<u32>(<usize>load<u32>(column, COLUMN.offsets) + (at << 2), load<u32>(column, COLUMN.bytesUsed), 4);
}

/** The same for the block's first rows, of which none has extras. */
export function appendNoExtras(count: usize): void {
  const column: usize = load<u32>(HEADER.extraColumn);
  store<u32>(column, load<u32>(column, COLUMN.nulls) + <u32>count, COLUMN.nulls);
  const offsets = <usize>load<u32>(column, COLUMN.offsets) + (<usize>load<u32>(RESULTS.rows) << 2);
  const end = load<u32>(column, COLUMN.bytesUsed);
  for (let i: usize = 1; i <= count; i++) store<u32>(offsets + (i << 2), end);
}

export function appendHighValue(column: usize): void {
  const threshold = load<i64>(HEADER.highValueThreshold);
  let high: u64 = 0;
  if (amountValid) {
    const count = rows;
    const from = amounts;
    for (let i: usize = 0; i < count; i++) high |= u64(load<i64>(from + (i << 4)) > threshold) << i;
    high &= amountValid;
  }
  setBits(load<u32>(column, COLUMN.data), row, high);
  count32(RESULTS.rowsHighValue, popcnt(high));
}

/** The timestamp of the message that the block's row was, milliseconds. */
@inline
function timestampAt(timestamps: usize, index: usize): i64 {
  return load<i64>(timestamps + (<usize>load<u32>(MESSAGES + (index << 2)) << 3));
}

/** Whether it is a time: -1 says that there is none, and what is beyond every date is none either. */
@inline
function isTime(milliseconds: i64): bool {
  return <u64>milliseconds <= <u64>MAX_MILLISECONDS;
}

export function appendLate(column: usize): void {
  let late: u64 = 0;
  if (eventTimeValid) {
    const lateAfter = load<i64>(HEADER.lateAfter);
    const timestamps: usize = load<u32>(HEADER.timestamps);
    const count = rows;
    const from = eventTimes;
    for (let i: usize = 0; i < count; i++) {
      const timestamp = timestampAt(timestamps, i);
      const isLate = u64(isTime(timestamp)) & u64(load<i64>(from + (i << 3)) < timestamp * 1000 - lateAfter);
      late |= isLate << i;
    }
    late &= eventTimeValid;
  }
  setBits(load<u32>(column, COLUMN.data), row, late);
  count32(RESULTS.rowsLate, popcnt(late));
}

export function appendIssues(column: usize): void {
  const data = dataOf(column, 8);
  const count = rows;
  let withIssues: u64 = 0;
  for (let i: usize = 0; i < count; i++) {
    const issues = load<u64>(ISSUE_BITS + (i << 3));
    store<u64>(data + (i << 3), issues);
    withIssues += u64(issues != 0);
  }
  count32(RESULTS.rowsWithIssues, withIssues);
}

export function appendPartition(column: usize): void {
  const data = dataOf(column, 4);
  const partition = load<u32>(HEADER.partition);
  const count = rows;
  for (let i: usize = 0; i < count; i++) store<u32>(data + (i << 2), partition);
}

export function appendOffsets(column: usize): void {
  const data = dataOf(column, 8);
  const offsets: usize = load<u32>(HEADER.kafkaOffsets);
  const count = rows;
  for (let i: usize = 0; i < count; i++) {
    store<u64>(data + (i << 3), load<u64>(offsets + (<usize>load<u32>(MESSAGES + (i << 2)) << 3)));
  }
}

export function appendKafkaTimestamps(column: usize): void {
  const data = dataOf(column, 8);
  const timestamps: usize = load<u32>(HEADER.timestamps);
  const count = rows;
  let valid: u64 = 0;
  for (let i: usize = 0; i < count; i++) {
    const timestamp = timestampAt(timestamps, i);
    const known = isTime(timestamp);
    valid |= u64(known) << i;
    store<i64>(data + (i << 3), known ? timestamp * 1000 : 0);
  }
  setValid(column, valid);
}

/** The 16 hex digits after a leading "82" of the change id: seconds and increment of a resume token; else 0. */
export function appendChangeSeq(column: usize): void {
  const data = dataOf(column, 8);
  const slotIndex = load<u32>(HEADER.changeIdSlot);
  if (slotIndex == NO_SLOT) {
    memory.fill(data, 0, rows << 3);
    store<u64>(RESULTS.minChangeSeq, 0);
    return;
  }
  const slots = slotsOf(slotIndex);
  let lowest = load<u64>(RESULTS.minChangeSeq);
  let highest = load<u64>(RESULTS.maxChangeSeq);
  const escaped = rowsOfKinds(slots, KIND.ESCAPED, KIND.ESCAPED);
  const count = rows;
  let i: usize = 0;
  do {
    const slot = slots + i * SLOT.size;
    let from: usize = load<u32>(slot, SLOT.start);
    let to: usize = load<u32>(slot, SLOT.end);
    if ((escaped >> i) & 1) {
      locate(from, to, KIND.ESCAPED);
      from = textFrom;
      to = textTo;
    }
    const number = hexNumber(from + 2);
    const sequence = u32(to - from >= 18) & u32(load<u16>(from) == 0x3238) ? number : 0;
    store<u64>(data + (i << 3), sequence);
    lowest = min(lowest, sequence);
    highest = max(highest, sequence);
  } while (++i < count);
  store<u64>(RESULTS.minChangeSeq, lowest);
  store<u64>(RESULTS.maxChangeSeq, highest);
}
