/** The ABI: the host writes the memory map (layout.ts) and one chunk at a time into memory, and reads columns out. */
import { appendRow } from './columns';
import {
  ARROW_COLUMNS,
  CHANGE_ID_SLOT,
  COLUMN_BYTES,
  COLUMNS,
  K_MISSING,
  K_NULL,
  K_STRING,
  KAFKA_OFFSETS,
  MAX_EVENT_TIME,
  MIN_CHANGE_SEQ,
  MISSING_REQUIRED,
  OK,
  REJECT_BYTES,
  REJECT_COUNT,
  REJECTS,
  REQUIRED,
  ROW_CAPACITY,
  ROWS,
  SLOT_BYTES,
  SLOTS,
  STATUS_COUNTS,
  TIMESTAMPS,
  TOMBSTONE,
  VALUE_OFFSETS,
  VALUE_VALIDITY,
  VALUES,
} from './layout';
import { readRow } from './row';
import { errorAt } from './string';

/** Empties the columns and the counters. */
export function begin(): void {
  memory.fill(ROWS, 0, STATUS_COUNTS + 24 - ROWS);
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

/** Reads the `count` messages of the chunk in the input region; columns grow, rejects are those of this chunk. */
export function readChunk(count: usize): void {
  const values: usize = load<u32>(VALUES);
  const valueOffsets: usize = load<u32>(VALUE_OFFSETS);
  const validity: usize = load<u32>(VALUE_VALIDITY);
  const offsets: usize = load<u32>(KAFKA_OFFSETS);
  const timestamps: usize = load<u32>(TIMESTAMPS);
  store<u32>(REJECT_COUNT, 0);
  for (let row: usize = 0; row < count; row++) {
    const start = values + <usize>load<u32>(valueOffsets + (row << 2));
    const end = values + <usize>load<u32>(valueOffsets + (row << 2), 4);
    let status = TOMBSTONE;
    if (load<u8>(validity + (row >> 3)) & (1 << <u8>(row & 7))) {
      // The rules of the grammar need no end: a NUL byte stands there for the time of reading, which none accepts.
      const next = load<u8>(end);
      store<u8>(end, 0);
      status = readRow(start, end);
      let position = status == OK ? -1 : <i32>(errorAt - start);
      if (status == OK && lacksRequired()) {
        status = MISSING_REQUIRED;
        position = lackingPosition(start);
      }
      if (status == OK) appendRow(load<i64>(offsets + (row << 3)), load<i64>(timestamps + (row << 3)));
      else reject(row, status, position);
      store<u8>(end, next);
    }
    const counter = STATUS_COUNTS + (<usize>status << 2);
    store<u32>(counter, load<u32>(counter) + 1);
  }
}

function reject(row: usize, status: u32, position: i32): void {
  const count: usize = load<u32>(REJECT_COUNT);
  const record = <usize>load<u32>(REJECTS) + count * REJECT_BYTES;
  store<u32>(record, <u32>row);
  store<u32>(record, status, 4);
  store<i32>(record, position, 8);
  store<u32>(REJECT_COUNT, <u32>count + 1);
}

/** The slot that kept the last row from being one. */
let lacking: usize = 0;

/** Whether a required value is missing or null, or the change id is not a string. */
@inline
function lacksRequired(): bool {
  lacking = SLOTS + <usize>load<u32>(CHANGE_ID_SLOT) * SLOT_BYTES;
  if (load<u32>(lacking) != K_STRING) return true;
  for (let required = load<u64>(REQUIRED); required; required &= required - 1) {
    lacking = SLOTS + <usize>ctz(required) * SLOT_BYTES;
    const kind = load<u32>(lacking);
    if (kind == K_MISSING || kind == K_NULL) return true;
  }
  return false;
}

/** Where the value stands that is not acceptable as required; -1 where there is none. */
function lackingPosition(start: usize): i32 {
  return load<u32>(lacking) == K_MISSING ? -1 : <i32>(<usize>load<u32>(lacking, 4) - start);
}
