/** What the host calls: it writes the header and one chunk at a time into memory (abi.json), and reads columns out. */
import { ABI_VERSION, COLUMN, COLUMNS, HEADER, RESULTS, STATUS } from './abi';
import { startChunk } from './budget';
import { startChecks } from './checks';
import { appendBlock } from './columns';
import { startMasks } from './hmac';
import { gathered, gatherMessages, startMessages } from './messages';
import { countStatus, readBlock } from './rows';

export { stringForms } from './forms';

/** The version of abi.json that this was built from: the host asks before anything else. */
export function abiVersion(): u32 {
  return ABI_VERSION;
}

/** Empties the columns and the counters. */
export function begin(): void {
  startChecks();
  startMasks();
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

/** Reads the `count` messages of the chunk in the input region; columns grow, rejects are those of this chunk. */
export function readChunk(count: usize): void {
  store<u32>(RESULTS.rejectCount, 0);
  startMessages();
  const learns = startChunk();
  for (let message: usize = 0; message < count; ) {
    const next = gatherMessages(message, count);
    countStatus(STATUS.TOMBSTONE, <u32>(next - message - gathered));
    message = next;
    if (gathered == 0) continue;
    appendBlock(readBlock(learns));
  }
}
