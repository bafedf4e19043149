/** The ABI: the host writes the memory map (layout.ts) and one chunk at a time into memory, and reads columns out. */
import { appendBlock } from './columns';
import { appendExtras } from './derived';
import { FIRST, followPair, SECOND } from './follow';
import {
  ARROW_COLUMNS,
  BLOCK_ROWS,
  CHANGE_ID_SLOT,
  COLUMN_BYTES,
  COLUMNS,
  K_ESCAPED,
  K_MISSING,
  K_NULL,
  K_STRING,
  LANE_0,
  LANE_1,
  LANE_COLUMNS,
  MAX_EVENT_TIME,
  MESSAGES,
  MIN_CHANGE_SEQ,
  MISSING_REQUIRED,
  OK,
  REJECT_BYTES,
  REJECT_COUNT,
  REJECTS,
  REQUIRED,
  RESULTS_END,
  ROW_CAPACITY,
  ROWS,
  ROWS_LEARNED,
  SLOT_BYTES,
  SLOT_COLUMN_BYTES,
  SLOTS,
  SPEC_COLUMNS,
  STATUS_COUNTS,
  TOMBSTONE,
  VALIDITY_SHIFT,
  VALUE_OFFSETS,
  VALUE_VALIDITY,
  VALUES,
} from './layout';
import { countMiss, countPair, learnRow, startChunk } from './learn';
import { readRow } from './row';
import { errorAt } from './string';

/** Empties the columns and the counters. */
export function begin(): void {
  memory.fill(ROWS, 0, RESULTS_END - ROWS);
  store<i64>(MAX_EVENT_TIME, i64.MIN_VALUE);
  store<u64>(MIN_CHANGE_SEQ, u64.MAX_VALUE);
  const bits = (<usize>load<u32>(ROW_CAPACITY) + 7) >> 3;
  const count: usize = load<u32>(ARROW_COLUMNS);
  for (let i: usize = 0; i < count; i++) {
    const column = COLUMNS + i * COLUMN_BYTES;
    store<u32>(column, 0, 8);
    store<u32>(column, 0, 24);
    const offsets: usize = load<u32>(column, 16);
    if (offsets) store<u32>(offsets, 0);
    const validity: usize = load<u32>(column, 20);
    if (validity) memory.fill(validity, 0, bits);
    // The data of a boolean column are bits as well: they are set, never cleared.
    if (load<u32>(column, 28)) memory.fill(load<u32>(column, 12), 0, bits);
  }
}

/** Rows of the block so far. */
let blockRows: usize = 0;

/** Reads the `count` messages of the chunk in the input region; columns grow, rejects are those of this chunk. */
export function readChunk(count: usize): void {
  store<u32>(REJECT_COUNT, 0);
  const learns = startChunk();
  for (let message: usize = 0; message < count; ) {
    if (blockRows + 2 > BLOCK_ROWS) endBlock();
    if (learns && message + 1 < count && isPresent(message) && isPresent(message + 1)) {
      readPair(message);
      message += 2;
    } else {
      if (isPresent(message)) readSingle(message, false);
      else countStatus(TOMBSTONE);
      message++;
    }
  }
  endBlock();
}

function endBlock(): void {
  appendBlock(blockRows);
  blockRows = 0;
}

@inline
function isPresent(message: usize): bool {
  const bit = message + load<u32>(VALIDITY_SHIFT);
  return (load<u8>(<usize>load<u32>(VALUE_VALIDITY) + (bit >> 3)) & (1 << <u8>(bit & 7))) != 0;
}

/** Where the value of a message starts, which is where the one before ends. */
@inline
function valueStart(message: usize): usize {
  return <usize>load<u32>(VALUES) + <usize>load<u32>(<usize>load<u32>(VALUE_OFFSETS) + (message << 2));
}

/** Reads a message on the general path. */
function readSingle(message: usize, learns: bool): void {
  const start = valueStart(message);
  const end = valueStart(message + 1);
  // The rules of the grammar need no end: a NUL byte stands there for the time of reading, which none accepts.
  const next = load<u8>(end);
  store<u8>(end, 0);
  const status = readRow(start, end, <usize>load<u32>(SLOTS) + blockRows * SLOT_BYTES);
  if (status == OK) {
    if (learns) learnRow(start, end);
    takeRow(message, LANE_0);
  } else reject(message, status, <i32>(errorAt - start));
  store<u8>(end, next);
}

/** Reads two messages on the learned path, or what of them it cannot read on the general one. */
function readPair(message: usize): void {
  const start = valueStart(message);
  const middle = valueStart(message + 1);
  const found = followPair(start, middle, middle, valueStart(message + 2), blockRows * SLOT_BYTES);
  countPair();
  const second = blockRows + 1;
  if (found & FIRST) takeLearned(message, LANE_0);
  else {
    countMiss();
    readSingle(message, true);
  }
  if (found & SECOND) {
    if (blockRows != second) moveSlots(second, blockRows);
    takeLearned(message + 1, LANE_1);
  } else {
    countMiss();
    readSingle(message + 1, true);
  }
}

@inline
function takeLearned(message: usize, lane: usize): void {
  store<u32>(ROWS_LEARNED, load<u32>(ROWS_LEARNED) + 1);
  takeRow(message, lane);
}

/** Makes the row in the lane and in the slots behind the block the block's next one, if it has what is required. */
function takeRow(message: usize, lane: usize): void {
  const slot = <usize>load<u32>(SLOTS) + blockRows * SLOT_BYTES;
  let missing = ~load<u64>(lane, LANE_COLUMNS) & (~(<u64>0) >> (64 - <u64>load<u32>(SPEC_COLUMNS)));
  for (; missing; missing &= missing - 1) {
    store<u32>(slot + <usize>ctz(missing) * SLOT_COLUMN_BYTES, K_MISSING, 8);
  }
  const lacking = findLacking(slot);
  if (lacking) {
    const position = load<u32>(lacking, 8) == K_MISSING ? -1 : <i32>(<usize>load<u32>(lacking) - valueStart(message));
    reject(message, MISSING_REQUIRED, position);
    return;
  }
  appendExtras(lane, blockRows);
  store<u32>(MESSAGES + (blockRows << 2), <u32>message);
  blockRows++;
  countStatus(OK);
}

function moveSlots(from: usize, to: usize): void {
  const count = load<u32>(SPEC_COLUMNS);
  let slots = <usize>load<u32>(SLOTS);
  for (let i: u32 = 0; i < count; i++, slots += SLOT_COLUMN_BYTES) {
    v128.store(slots + to * SLOT_BYTES, v128.load(slots + from * SLOT_BYTES));
  }
}

/** The slot of a required value that is missing or null, or of a change id that is not a string; 0 if there is none. */
@inline
function findLacking(slot: usize): usize {
  const changeId = slot + <usize>load<u32>(CHANGE_ID_SLOT) * SLOT_COLUMN_BYTES;
  const kind = load<u32>(changeId, 8);
  if (kind != K_STRING && kind != K_ESCAPED) return changeId;
  for (let required = load<u64>(REQUIRED); required; required &= required - 1) {
    const at = slot + <usize>ctz(required) * SLOT_COLUMN_BYTES;
    if (load<u32>(at, 8) <= K_NULL) return at;
  }
  return 0;
}

function reject(message: usize, status: u32, position: i32): void {
  const count: usize = load<u32>(REJECT_COUNT);
  const record = <usize>load<u32>(REJECTS) + count * REJECT_BYTES;
  store<u32>(record, <u32>message);
  store<u32>(record, status, 4);
  store<i32>(record, position, 8);
  store<u32>(REJECT_COUNT, <u32>count + 1);
  countStatus(status);
}

@inline
function countStatus(status: u32): void {
  const counter = STATUS_COUNTS + (<usize>status << 2);
  store<u32>(counter, load<u32>(counter) + 1);
}
