/**
 * Takes rows out of a block whose columns are written: the columns become what they were before it, but for that of
 * extras, and the other rows close the gaps in the slots. Then the columns are written again. Such rows are rare.
 */
import {
  COLUMN,
  COLUMNS,
  HEADER,
  MESSAGES,
  RESULTS,
  SAVED_COLUMNS,
  SAVED_RESULTS,
  STATUS,
} from './abi';
import { row, rows, setBits, setTextEnd } from './block';
import { bitsAt } from './checks';
import { countStatus, moveSlots } from './rows';

/** What the columns of a block add to. */
const COUNTERS = RESULTS.rowsLate;
const COUNTER_BYTES = RESULTS.statusCounts - RESULTS.rowsLate;

/** Remembers what the columns of the next block change. */
export function saveBlock(): void {
  memory.copy(SAVED_RESULTS, COUNTERS, COUNTER_BYTES);
  memory.copy(SAVED_COLUMNS, COLUMNS, <usize>load<u32>(HEADER.arrowColumnCount) * COLUMN.size);
}

/** Takes these rows out. @returns how many are left, which are now the rows in the slots */
export function retractRows(out: u64): usize {
  memory.copy(COUNTERS, SAVED_RESULTS, COUNTER_BYTES);
  countStatus(STATUS.OK, -<u32>popcnt(out));
  const extra: usize = load<u32>(HEADER.extraColumn);
  const last = COLUMNS + <usize>load<u32>(HEADER.arrowColumnCount) * COLUMN.size;
  for (let column = COLUMNS; column != last; column += COLUMN.size) {
    if (column == extra) continue;
    memory.copy(column, column - COLUMNS + SAVED_COLUMNS, COLUMN.size);
    const validity: usize = load<u32>(column, COLUMN.validity);
    if (validity) clearBits(validity);
    if (load<u32>(column, COLUMN.isBits)) clearBits(load<u32>(column, COLUMN.data));
  }
  return closeGaps(extra, out);
}

/** Clears the bits of the block, after which there are none. */
function clearBits(bits: usize): void {
  const byte = bits + (row >> 3);
  store<u64>(byte, load<u64>(byte) & (((<u64>1) << (row & 7)) - 1));
  store<u8>(byte, 0, 8);
}

/** Moves the other rows up, in the slots and in the column of extras, which is written before the others. */
function closeGaps(column: usize, out: u64): usize {
  const data: usize = load<u32>(column, COLUMN.data);
  const offsets = <usize>load<u32>(column, COLUMN.offsets) + (row << 2);
  const validity: usize = load<u32>(column, COLUMN.validity);
  const valid = bitsAt(validity, row);
  let validLeft: u64 = 0;
  let left: usize = 0;
  let from = data + <usize>load<u32>(offsets);
  let to = from;
  for (let i: usize = 0; i < rows; i++) {
    const end = data + <usize>load<u32>(offsets + (i << 2), 4);
    const isValid = (valid >> i) & 1;
    if ((out >> i) & 1) {
      store<u32>(column, load<u32>(column, COLUMN.nulls) - u32(!isValid), COLUMN.nulls);
    } else {
      memory.copy(to, from, end - from);
      to += end - from;
      validLeft |= isValid << left;
      store<u32>(MESSAGES + (left << 2), load<u32>(MESSAGES + (i << 2)));
      if (left != i) moveSlots(i, left);
      left++;
      store<u32>(offsets + (left << 2), <u32>(to - data));
    }
    from = end;
  }
  setTextEnd(column, to);
  clearBits(validity);
  setBits(validity, row, validLeft);
  return left;
}
