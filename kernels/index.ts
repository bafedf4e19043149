/** What the host calls: it writes the header and one chunk at a time into memory (abi.json), and reads columns out. */
import {
  ABI_VERSION,
  COLUMN,
  COLUMNS,
  GENERAL_CONTEXT,
  HEADER,
  KIND,
  MESSAGES,
  REJECT,
  RESULTS,
  SLOT,
  SLOTS,
  STATUS,
} from './abi';
import { rowsOfKinds, slotsOf } from './block';
import { appendBlock } from './columns';
import { appendExtras, appendNoExtras } from './derived';
import { haveExtras } from './extras';
import { followRows } from './follow';
import { countMiss, countRows, learnRow, startChunk } from './learn';
import { gathered, gatherMessages, valueStart } from './messages';
import { columns, readRow } from './row';
import { errorAt } from './string';

/** The version of abi.json that this was built from: the host asks before anything else. */
export function abiVersion(): u32 {
  return ABI_VERSION;
}

/** Empties the columns and the counters. */
export function begin(): void {
  memory.fill(RESULTS.rows, 0, RESULTS.end - RESULTS.rows);
  store<i64>(RESULTS.maxEventTime, i64.MIN_VALUE);
  store<u64>(RESULTS.minChangeSeq, u64.MAX_VALUE);
  const bits = (<usize>load<u32>(HEADER.rowCapacity) + 7) >> 3;
  const count: usize = load<u32>(HEADER.arrowColumnCount);
  for (let i: usize = 0; i < count; i++) {
    const column = COLUMNS + i * COLUMN.size;
    store<u32>(column, 0, COLUMN.bytesUsed);
    store<u32>(column, 0, COLUMN.nulls);
    const offsets: usize = load<u32>(column, COLUMN.offsets);
    if (offsets) store<u32>(offsets, 0);
    const validity: usize = load<u32>(column, COLUMN.validity);
    if (validity) memory.fill(validity, 0, bits);
    // The data of a boolean column are bits as well: they are set, never cleared.
    if (load<u32>(column, COLUMN.isBits)) memory.fill(load<u32>(column, COLUMN.data), 0, bits);
  }
}

/** Rows of the block that are good, so far. */
let blockRows: usize = 0;

/** Reads the `count` messages of the chunk in the input region; columns grow, rejects are those of this chunk. */
export function readChunk(count: usize): void {
  store<u32>(RESULTS.rejectCount, 0);
  const learns = startChunk();
  for (let message: usize = 0; message < count; ) {
    const next = gatherMessages(message, count);
    countStatus(STATUS.TOMBSTONE, <u32>(next - message - gathered));
    message = next;
    if (gathered == 0) continue;
    readBlock(learns);
    appendBlock(blockRows);
  }
}

/** Reads the messages that were gathered; the good ones become the rows of the block. */
function readBlock(learns: bool): void {
  const all = ~(<u64>0) >> (64 - <u64>gathered);
  let followed: u64 = 0;
  if (learns) {
    followed = followRows(all);
    countRows(<u32>gathered);
  }
  blockRows = 0;
  if (followed == all && !isLacking()) return takeAll();
  for (let row: usize = 0; row < gathered; row++) {
    const message = <usize>load<u32>(MESSAGES + (row << 2));
    if ((followed >> row) & 1) {
      store<u32>(RESULTS.rowsLearned, load<u32>(RESULTS.rowsLearned) + 1);
      if (row != blockRows) moveSlots(row, blockRows);
      takeRow(message, row);
    } else if (readSingle(message, learns)) {
      // Those behind it may be like it.
      followed |= followRows(all & ~followed & (~(<u64>0) << row << 1));
    }
  }
}

/** Reads a message on the general path. @returns whether others like it will find their way on the learned path */
function readSingle(message: usize, learns: bool): bool {
  const start = valueStart(message);
  const end = valueStart(message + 1);
  // The rules of the grammar need no end: a NUL byte stands there for the time of reading, which none accepts.
  const next = load<u8>(end);
  store<u8>(end, 0);
  const status = readRow(start, end, blockRows);
  let learned = false;
  if (learns) countMiss();
  if (status == STATUS.OK) {
    learned = learns && learnRow(start, end);
    setMissing();
    takeRow(message, GENERAL_CONTEXT);
  } else reject(message, status, <i32>(errorAt - start));
  store<u8>(end, next);
  return learned;
}

/** Marks the slots of what the row does not have that the general path has read. */
@inline
function setMissing(): void {
  let missing = ~columns & (~(<u64>0) >> (64 - <u64>load<u32>(HEADER.specColumnCount)));
  for (; missing; missing &= missing - 1) store<u8>(kindAt(<usize>ctz(missing), blockRows), KIND.MISSING);
}

/** Where the kind of what a spec column has in a row of the block is. */
@inline
function kindAt(column: usize, row: usize): usize {
  return slotsOf(column) + SLOTS.kinds + row;
}

/** Makes all messages that were gathered, which are good, the rows of the block. */
function takeAll(): void {
  store<u32>(RESULTS.rowsLearned, load<u32>(RESULTS.rowsLearned) + <u32>gathered);
  countStatus(STATUS.OK, <u32>gathered);
  if (!haveExtras()) {
    appendNoExtras(gathered);
    blockRows = gathered;
  } else for (; blockRows < gathered; blockRows++) appendExtras(blockRows, blockRows);
}

/** Makes the row in the lane and in the slots behind the block the block's next one, if it has what is required. */
function takeRow(message: usize, lane: usize): void {
  const lacking = findLacking(blockRows);
  if (lacking >= 0) return reject(message, STATUS.MISSING_REQUIRED, lacking);
  appendExtras(lane, blockRows);
  store<u32>(MESSAGES + (blockRows << 2), <u32>message);
  blockRows++;
  countStatus(STATUS.OK, 1);
}

function moveSlots(from: usize, to: usize): void {
  const count: usize = load<u32>(HEADER.specColumnCount);
  for (let column: usize = 0; column < count; column++) {
    const slots = slotsOf(column);
    store<u64>(slots + to * SLOT.size, load<u64>(slots + from * SLOT.size));
    store<u8>(slots + to, load<u8>(slots + from, SLOTS.kinds), SLOTS.kinds);
  }
}

/** Whether one of the messages that were gathered lacks what is required. */
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

function reject(message: usize, status: u32, position: i32): void {
  const count: usize = load<u32>(RESULTS.rejectCount);
  const record = <usize>load<u32>(HEADER.rejects) + count * REJECT.size;
  store<u32>(record, <u32>message, REJECT.row);
  store<u32>(record, status, REJECT.status);
  store<i32>(record, position, REJECT.position);
  store<u32>(RESULTS.rejectCount, <u32>count + 1);
  countStatus(status, 1);
}

@inline
function countStatus(status: u32, count: u32): void {
  const counter = RESULTS.statusCounts + (<usize>status << 2);
  store<u32>(counter, load<u32>(counter) + count);
}
