/** The messages of the chunk in the input region, of which a block at a time is read. */
import { BLOCK_ROWS, HEADER, MESSAGES } from './abi';

/** The address of the value of a message, which is the end of the one before. */
@inline
export function valueStart(message: usize): usize {
  return <usize>load<u32>(HEADER.values) + <usize>load<u32>(<usize>load<u32>(HEADER.valueOffsets) + (message << 2));
}

/** The same of its key. */
@inline
export function keyStart(message: usize): usize {
  return <usize>load<u32>(HEADER.keys) + <usize>load<u32>(<usize>load<u32>(HEADER.keyOffsets) + (message << 2));
}

@inline
function isValid(validity: usize, message: usize): bool {
  const bit = message + load<u32>(HEADER.validityShift);
  return (load<u8>(validity + (bit >> 3)) & (1 << <u8>(bit & 7))) != 0;
}

/** Whether the message has a value. */
@inline
export function isPresent(message: usize): bool {
  return isValid(load<u32>(HEADER.valueValidity), message);
}

/** Whether the message has a key, which the spec reads. */
@inline
export function hasKey(message: usize): bool {
  return isValid(load<u32>(HEADER.keyValidity), message);
}

/** Whether a whole block of messages has no tombstone. */
@inline
function areAllPresent(first: usize): bool {
  const bit = first + load<u32>(HEADER.validityShift);
  const bits = <usize>load<u32>(HEADER.valueValidity) + (bit >> 3);
  const shift = <u64>(bit & 7);
  return (~load<u64>(bits) >> shift) == 0 && (~load<u8>(bits, 8) & ((1 << <u32>shift) - 1)) == 0;
}

/** The messages from `gatherMessages` that are rows: not tombstones, unless the spec makes rows of them. */
export let gathered: usize = 0;
/** Tells this chunk from those before; 0 is none. */
export let chunk: u32 = 0;
/** The first message that was looked at, and which of the rows have a value. */
export let firstMessage: usize = 0;
export let withValue: u64 = 0;

/** Begins with another chunk. */
export function startMessages(): void {
  chunk++;
}

/** Makes messages from `from` to `to` those of the block. @returns the first one after them */
export function gatherMessages(from: usize, to: usize): usize {
  firstMessage = from;
  withValue = ~(<u64>0);
  if (from + BLOCK_ROWS <= to && areAllPresent(from)) {
    for (let i: usize = 0; i < BLOCK_ROWS; i += 4) {
      const four = i32x4.add(i32x4.splat(<i32>(from + i)), i32x4(0, 1, 2, 3));
      v128.store(MESSAGES + (i << 2), four);
    }
    gathered = BLOCK_ROWS;
    return from + BLOCK_ROWS;
  }
  const tombstones: usize = load<u32>(HEADER.tombstones);
  let count: usize = 0;
  for (; from < to && count < BLOCK_ROWS; from++) {
    store<u32>(MESSAGES + (count << 2), <u32>from);
    const present = isPresent(from);
    if (!present && tombstones) withValue ^= (<u64>1) << count;
    count += usize(present) | tombstones;
  }
  gathered = count;
  return from;
}
