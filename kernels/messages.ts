/** The messages of the chunk in the input region, of which a block at a time is read. */
import { BLOCK_ROWS, HEADER, MESSAGES } from './abi';

/** Where the value of a message starts, which is where the one before ends. */
@inline
export function valueStart(message: usize): usize {
  return <usize>load<u32>(HEADER.values) + <usize>load<u32>(<usize>load<u32>(HEADER.valueOffsets) + (message << 2));
}

@inline
function isPresent(message: usize): bool {
  const bit = message + load<u32>(HEADER.validityShift);
  return (load<u8>(<usize>load<u32>(HEADER.valueValidity) + (bit >> 3)) & (1 << <u8>(bit & 7))) != 0;
}

/** Whether a whole block of messages has no tombstone. */
@inline
function areAllPresent(first: usize): bool {
  const bit = first + load<u32>(HEADER.validityShift);
  const bits = <usize>load<u32>(HEADER.valueValidity) + (bit >> 3);
  const shift = <u64>(bit & 7);
  return (~load<u64>(bits) >> shift) == 0 && (~load<u8>(bits, 8) & ((1 << <u32>shift) - 1)) == 0;
}

/** The messages from `gatherMessages` that are not tombstones. */
export let gathered: usize = 0;

/** Makes messages from `from` to `to` those of the block, but for tombstones. @returns the first one behind them */
export function gatherMessages(from: usize, to: usize): usize {
  if (from + BLOCK_ROWS <= to && areAllPresent(from)) {
    for (let i: usize = 0; i < BLOCK_ROWS; i += 4) {
      const four = i32x4.add(i32x4.splat(<i32>(from + i)), i32x4(0, 1, 2, 3));
      v128.store(MESSAGES + (i << 2), four);
    }
    gathered = BLOCK_ROWS;
    return from + BLOCK_ROWS;
  }
  let count: usize = 0;
  for (; from < to && count < BLOCK_ROWS; from++) {
    store<u32>(MESSAGES + (count << 2), <u32>from);
    count += usize(isPresent(from));
  }
  gathered = count;
  return from;
}
