/**
 * Strings that hold JSON: decoded into the arena, and read there.
 *
 * Each row of the block has its part of the arena, at the place that its message has among those of the block. So a
 * row may be read several times, by both paths, and each time has the same text at the same place.
 */
import { HEADER, NODE, ROW_SPARE_BYTES } from './abi';
import { firstMessage, keyStart, valueStart } from './messages';
import { characterEnd, decodeString, scanString } from './string';

/** Where the next text of the row goes. */
let next: usize = 0;

/** Begins with the texts of a message of the block. */
export function startArena(message: usize): void {
  next = arenaOf(message);
}

/** Where the texts of a message of the block start. */
export function arenaOf(message: usize): usize {
  let bytes = valueStart(message) - valueStart(firstMessage);
  if (load<u32>(HEADER.keyNode)) bytes += keyStart(message) - keyStart(firstMessage);
  const spare = (message - firstMessage) * ROW_SPARE_BYTES;
  return <usize>load<u32>(HEADER.arena) + bytes * <usize>load<u32>(HEADER.arenaTimes) + spare;
}

/**
 * Decodes the string from `p` on, which is after its quote, as the content of the node, with a NUL byte after it.
 * @returns the place of the closing quote, 0 if it is no string
 */
export function decodeContent(node: usize, p: usize): usize {
  const end = scanString(p);
  if (end == 0) return 0;
  store<u32>(node, next, NODE.content);
  next = decodeString(next, p, end);
  store<u32>(node, next, NODE.contentEnd);
  store<u8>(next++, 0);
  return end;
}

/** The byte of the string from `p` on that was decoded to the one at `at` of the text at `content`. */
export function sourceOf(at: usize, content: usize, p: usize): usize {
  const scratch = <usize>load<u32>(HEADER.scratch);
  while (content < at) {
    const end = characterEnd(p);
    content += decodeString(scratch, p, end) - scratch;
    if (content <= at) p = end;
  }
  return p;
}
