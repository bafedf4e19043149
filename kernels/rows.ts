/** The messages of a block → its rows: which path reads each, what a row must have, and what is rejected. */
import { GENERAL_CONTEXT, HEADER, KIND, MESSAGES, REJECT, RESULTS, SLOT, SLOTS, STATUS } from './abi';
import { moveSlot, takeAlternatives } from './alternatives';
import { rowsOfKinds, slotsOf } from './block';
import { countMiss, countRows } from './budget';
import { appendExtras, appendNoExtras } from './derived';
import { errorAt } from './errors';
import { haveExtras } from './extras';
import { followRows } from './follow';
import { learnRow } from './learn';
import { gathered, valueStart, withValue } from './messages';
import { columns, isNullRow, readRow } from './row';

/** Rows of the block that are good, so far. */
let blockRows: usize = 0;

/** Reads the gathered messages. @returns how many of them are good, which are now the rows of the block */
export function readBlock(learns: bool): usize {
  const all = ~(<u64>0) >> (64 - <u64>gathered);
  let followed: u64 = 0;
  if (learns) {
    followed = follow(all & withValue);
    countRows(<u32>popcnt(all & withValue));
  }
  blockRows = 0;
  if (followed == all && !isLacking()) {
    acceptAll();
    return blockRows;
  }
  for (let row: usize = 0; row < gathered; row++) {
    const message = <usize>load<u32>(MESSAGES + (row << 2));
    if ((followed >> row) & 1) {
      store<u32>(RESULTS.rowsLearned, load<u32>(RESULTS.rowsLearned) + 1);
      if (row != blockRows) moveSlots(row, blockRows);
      acceptRow(message, row);
    } else if (readSingle(message, learns && ((withValue >> row) & 1) != 0)) {
      // Those after it may be like it.
      followed |= follow(all & withValue & ~followed & (~(<u64>0) << row << 1));
    }
  }
  return blockRows;
}

/** Reads rows on the speculative path. @returns those that it knows */
@inline
function follow(rows: u64): u64 {
  const followed = followRows(rows);
  takeAlternatives(followed);
  return followed;
}

/** Reads a message on the general path. @returns whether others like it will be read on the speculative path */
function readSingle(message: usize, learns: bool): bool {
  const status = readRow(message, blockRows);
  if (learns) countMiss();
  if (status != STATUS.OK) {
    reject(message, status, <i32>(errorAt - valueStart(message)));
    return false;
  }
  // What says that it is a tombstone is not in what would be learned.
  const learned = learns && !isNullRow() && learnRow(message);
  setMissing();
  takeAlternatives((<u64>1) << blockRows);
  acceptRow(message, GENERAL_CONTEXT);
  return learned;
}

/** Marks the slots of what the row does not have, after the general path has read it. */
@inline
function setMissing(): void {
  let missing = ~columns & (~(<u64>0) >> (64 - <u64>load<u32>(HEADER.slotCount)));
  for (; missing; missing &= missing - 1) store<u8>(kindAt(<usize>ctz(missing), blockRows), KIND.MISSING);
}

/** The address of the kind of what a spec column has in a row of the block. */
@inline
function kindAt(column: usize, row: usize): usize {
  return slotsOf(column) + SLOTS.kinds + row;
}

/** Makes all gathered messages, which are good, the rows of the block. */
function acceptAll(): void {
  store<u32>(RESULTS.rowsLearned, load<u32>(RESULTS.rowsLearned) + <u32>gathered);
  countStatus(STATUS.OK, <u32>gathered);
  if (!haveExtras()) {
    appendNoExtras(gathered);
    blockRows = gathered;
  } else for (; blockRows < gathered; blockRows++) appendExtras(blockRows, blockRows);
}

/** Makes what is in the row context and in the next slots the block's next row, if it has what is required. */
function acceptRow(message: usize, context: usize): void {
  const lacking = findLacking(blockRows);
  if (lacking >= 0) return reject(message, STATUS.MISSING_REQUIRED, lacking);
  appendExtras(context, blockRows);
  store<u32>(MESSAGES + (blockRows << 2), <u32>message);
  blockRows++;
  countStatus(STATUS.OK, 1);
}

/** Copies what all spec columns have in a row of the block. */
export function moveSlots(from: usize, to: usize): void {
  const count: usize = load<u32>(HEADER.specColumnCount);
  for (let column: usize = 0; column < count; column++) moveSlot(slotsOf(column), from, slotsOf(column), to);
}

/** Whether one of the gathered messages lacks what is required. */
function isLacking(): bool {
  let present = ~(<u64>0);
  for (let required = load<u64>(HEADER.required); required; required &= required - 1) {
    present &= ~rowsOfKinds(slotsOf(<usize>ctz(required)), KIND.MISSING, KIND.NULL);
  }
  return (present << (64 - <u64>gathered)) != ~(<u64>0) << (64 - <u64>gathered);
}

/** The first column of which a required value is missing or null; -1 for none. */
@inline
function findLacking(row: usize): i32 {
  for (let required = load<u64>(HEADER.required); required; required &= required - 1) {
    if (load<u8>(kindAt(<usize>ctz(required), row)) <= KIND.NULL) return <i32>ctz(required);
  }
  return -1;
}

export function reject(message: usize, status: u32, position: i32): void {
  const count: usize = load<u32>(RESULTS.rejectCount);
  const record = <usize>load<u32>(HEADER.rejects) + count * REJECT.size;
  store<u32>(record, <u32>message, REJECT.row);
  store<u32>(record, status, REJECT.status);
  store<i32>(record, position, REJECT.position);
  store<u32>(RESULTS.rejectCount, <u32>count + 1);
  countStatus(status, 1);
}

@inline
export function countStatus(status: u32, count: u32): void {
  const counter = RESULTS.statusCounts + (<usize>status << 2);
  store<u32>(counter, load<u32>(counter) + count);
}
