/**
 * Values that their columns could not take, or not all of: they become extras, each under its path.
 *
 * The extras of a block are written before its columns are, and this is rare. So each row that has such a value is read
 * again, as if the spec did not have the column, and the block's part of the column of extras is written anew.
 */
import { COLUMN, GENERAL_CONTEXT, HEADER, KEY_EXTRA_BYTES, MASK_TIMES, MESSAGES, UNREAD } from './abi';
import { sourcesOf } from './alternatives';
import { row, rows, setTextEnd, textEnd, unreadRows } from './block';
import { writeExtras } from './extras';
import { mapKeys } from './keys';
import { keyStart, valueStart } from './messages';
import { columns, readRow } from './row';
import { copyBytes } from './string';

/** How far a copy may write past its end. */
const OVERRUN: usize = 32;

/** Makes the row valid. `setBits` does not suit: it clears the bits of later rows, which may be set already. */
@inline
function setValidAt(column: usize, at: usize): void {
  const byte = <usize>load<u32>(column, COLUMN.validity) + (at >> 3);
  store<u8>(byte, load<u8>(byte) | (1 << <u8>(at & 7)));
  store<u32>(column, load<u32>(column, COLUMN.nulls) - 1, COLUMN.nulls);
}

/** The offset at which the extras of a row of the block end; -1 is the row before the block. */
@inline
function endsAt(column: usize, index: usize): usize {
  return <usize>load<u32>(column, COLUMN.offsets) + ((row + index + 1) << 2);
}

@inline
function isUnread(index: usize): bool {
  return ((unreadRows >> index) & 1) != 0;
}

/**
 * Writes the block's extras anew. The old ones move up first, just far enough that writing never overtakes reading: no
 * row's extras are longer than its source, or with masks MASK_TIMES of it: this needs no more room than the host made.
 */
export function keepUnread(): void {
  const column: usize = load<u32>(HEADER.extraColumn);
  const data: usize = load<u32>(column, COLUMN.data);
  const first = data + <usize>load<u32>(endsAt(column, -1));
  const shift = OVERRUN + growth(column);
  memory.copy(first + shift, first, textEnd(column) - first);
  let to = first;
  let from = first + shift;
  for (let i: usize = 0; i < rows; i++) {
    const oldEnd = data + <usize>load<u32>(endsAt(column, i)) + shift;
    if (isUnread(i)) {
      to = writeAnew(i, to);
      // Without extras before, it was null.
      if (oldEnd == from) {
        setValidAt(column, row + i);
      }
    } else {
      copyBytes(to, from, oldEnd - from);
      to += oldEnd - from;
    }
    from = oldEnd;
    store<u32>(endsAt(column, i), <u32>(to - data));
  }
  setTextEnd(column, to);
}

/** By how many bytes the extras of the block can grow at most. */
function growth(column: usize): usize {
  const times: usize = load<u32>(HEADER.maskRoot) ? MASK_TIMES : 1;
  let bytes: usize = 0;
  for (let left = unreadRows; left; left &= left - 1) {
    const i = <usize>ctz(left);
    const message = messageOf(i);
    const extras = <usize>load<u32>(endsAt(column, i)) - <usize>load<u32>(endsAt(column, i - 1));
    let source = valueStart(message + 1) - valueStart(message);
    if (load<u32>(HEADER.keyNode)) source += keyStart(message + 1) - keyStart(message) + <usize>KEY_EXTRA_BYTES;
    bytes += source * times - extras;
  }
  return bytes;
}

/** The message that a row of the block was. */
@inline
function messageOf(index: usize): usize {
  return load<u32>(MESSAGES + (index << 2));
}

/** Reads a row of the block again, and writes its extras. @returns the end of them */
function writeAnew(index: usize, to: usize): usize {
  const message = messageOf(index);
  let unread = load<u64>(UNREAD + (index << 3));
  if (load<u32>(HEADER.slotCount) > load<u32>(HEADER.specColumnCount)) {
    readRow(message, index);
    unread = sourcesOf(unread, columns);
  }
  mapKeys(unread, false);
  readRow(message, index);
  mapKeys(unread, true);
  return writeExtras(GENERAL_CONTEXT, to);
}
