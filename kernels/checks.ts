/** Expectations: the block's rows, as the columns have them, held against what the spec says of their values. */
import { AUTOMATON, CHECK, COLUMN, HEADER, MESSAGES, STATUS, TEST } from './abi';
import { dataOf, row, rows, rowsOfBlock } from './block';
import { reject } from './rows';

@inline
function checkAt(index: usize): usize {
  return <usize>load<u32>(HEADER.checks) + index * CHECK.size;
}

/** Forgets what failed. */
export function startChecks(): void {
  const count: usize = load<u32>(HEADER.checkCount);
  for (let index: usize = 0; index < count; index++) store<u32>(checkAt(index), 0, CHECK.failed);
}

/** Rejects the block's rows that fail a check that quarantines, each for the first one. @returns them */
export function rejectFailing(): u64 {
  const count: usize = load<u32>(HEADER.quarantineChecks);
  let rejected: u64 = 0;
  for (let index: usize = 0; index < count; index++) {
    const failing = failingRows(checkAt(index)) & ~rejected;
    rejected |= failing;
    for (let left = failing; left; left &= left - 1) {
      reject(load<u32>(MESSAGES + (<usize>ctz(left) << 2)), STATUS.EXPECTATION, <i32>index);
    }
  }
  return rejected;
}

/** Counts the block's rows that fail the other checks. */
export function countFailing(): void {
  const count: usize = load<u32>(HEADER.checkCount);
  for (let index: usize = load<u32>(HEADER.quarantineChecks); index < count; index++) {
    const check = checkAt(index);
    const failing = failingRows(check);
    if (failing == 0) continue;
    const failed = load<u32>(check, CHECK.failed);
    if (failed == 0) store<u32>(check, <u32>(row + <usize>ctz(failing)), CHECK.first);
    store<u32>(check, failed + <u32>popcnt(failing), CHECK.failed);
  }
}

function failingRows(check: usize): u64 {
  const column: usize = load<u32>(check, CHECK.column);
  const valid = validRows(column);
  switch (load<u32>(check, CHECK.test)) {
    case TEST.NOT_NULL:
      return rowsOfBlock(~valid);
    case TEST.RANGE:
      return valid & rowsOutOfRange(check, column);
    case TEST.LENGTH:
      return valid & rowsOfOtherLength(check, column);
    default:
      return valid & rowsNotAccepted(load<u32>(check, CHECK.automaton), column);
  }
}

/** Which rows of the block are not null. */
function validRows(column: usize): u64 {
  const validity: usize = load<u32>(column, COLUMN.validity);
  return rowsOfBlock(validity ? bitsAt(validity, row) : ~(<u64>0));
}

/** 64 bits from a place on. */
@inline
export function bitsAt(bits: usize, at: usize): u64 {
  const byte = bits + (at >> 3);
  const shift: u64 = at & 7;
  const low = load<u64>(byte) >> shift;
  return shift ? low | ((<u64>load<u8>(byte, 8)) << (64 - shift)) : low;
}

/** Those that are not from the lowest to the highest number; of a decimal 64 bits tell. */
export function rowsOutOfRange(check: usize, column: usize): u64 {
  const width: usize = load<u32>(check, CHECK.width);
  const low = load<i64>(check, CHECK.low);
  const span = <u64>(load<i64>(check, CHECK.high) - low);
  const count = rows;
  let from = dataOf(column, width);
  let failing: u64 = 0;
  if (width == 4) {
    for (let i: usize = 0; i < count; i++) failing |= u64(<u64>(<i64>load<i32>(from + (i << 2)) - low) > span) << i;
  } else {
    for (let i: usize = 0; i < count; i++) {
      failing |= u64(<u64>(load<i64>(from) - low) > span) << i;
      from += width;
    }
  }
  return failing;
}

/** Those whose text has fewer or more characters. */
export function rowsOfOtherLength(check: usize, column: usize): u64 {
  const low = load<i64>(check, CHECK.low);
  const high = load<i64>(check, CHECK.high);
  const data: usize = load<u32>(column, COLUMN.data);
  const offsets = <usize>load<u32>(column, COLUMN.offsets) + (row << 2);
  const count = rows;
  let failing: u64 = 0;
  let start = data + <usize>load<u32>(offsets);
  for (let i: usize = 0; i < count; i++) {
    const end = data + <usize>load<u32>(offsets + (i << 2), 4);
    // A character has one to four bytes: most often that tells.
    const bytes = <i64>(end - start);
    if (bytes > high || (bytes + 3) >> 2 < low) {
      const length = characters(start, end);
      failing |= u64(length < low || length > high) << i;
    }
    start = end;
  }
  return failing;
}

function characters(start: usize, end: usize): i64 {
  let count: i64 = 0;
  for (; start < end; start++) count += i64((load<u8>(start) & 0xc0) != 0x80);
  return count;
}

/** Those whose text the automaton does not accept. */
export function rowsNotAccepted(automaton: usize, column: usize): u64 {
  const classes = automaton + AUTOMATON.classOf;
  const next = automaton + AUTOMATON.size;
  const first: usize = load<u32>(automaton, AUTOMATON.start);
  const accepting: usize = load<u32>(automaton, AUTOMATON.accepting);
  const data: usize = load<u32>(column, COLUMN.data);
  const offsets = <usize>load<u32>(column, COLUMN.offsets) + (row << 2);
  const count = rows;
  let failing: u64 = 0;
  let at = data + <usize>load<u32>(offsets);
  for (let i: usize = 0; i < count; i++) {
    const end = data + <usize>load<u32>(offsets + (i << 2), 4);
    let state = first;
    // Nothing leads out of state 0.
    for (; at < end && state; at++) {
      state = load<u16>(next + ((state + <usize>load<u8>(classes + <usize>load<u8>(at))) << 1));
    }
    failing |= u64(state < accepting) << i;
    at = end;
  }
  return failing;
}
