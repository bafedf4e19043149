/** Fields of a row that the spec does not map: noted while the row is read, written as one JSON object at its end. */
import { BLOCK_ROWS, CONTEXT_EXTRAS, EXTRA, EXTRA_COUNTS, HEADER, NODE, NODES, SPAN } from './abi';
import { copyBytes } from './string';

/** How many fields were noted in the lane. */
@inline
export function extraCount(lane: usize): u32 {
  return load<u32>(EXTRA_COUNTS + (lane << 2));
}

/** Whether a row of the block has extras. */
@inline
export function haveExtras(): bool {
  let counts = i64x2.splat(0);
  for (let row: usize = 0; row < BLOCK_ROWS; row += 4) {
    counts = v128.or(counts, v128.load(EXTRA_COUNTS + (row << 2)));
  }
  return v128.any_true(counts);
}

@inline
export function setExtraCount(lane: usize, count: u32): void {
  store<u32>(EXTRA_COUNTS + (lane << 2), count);
}

/** Where the field with this index is noted; the last lane has all the room behind. */
@inline
export function extraOf(lane: usize, index: u32): usize {
  return <usize>load<u32>(HEADER.extras) + (lane * <usize>CONTEXT_EXTRAS + <usize>index) * EXTRA.size;
}

/** Notes a field of a mapped object; its end may come later. Keys are without their quotes. */
@inline
export function addExtra(lane: usize, node: usize, keyStart: usize, keyEnd: usize, start: usize, end: usize): void {
  const count = extraCount(lane);
  const extra = extraOf(lane, count);
  store<u32>(extra, node, EXTRA.node);
  store<u32>(extra, keyStart, EXTRA.keyStart);
  store<u32>(extra, keyEnd, EXTRA.keyEnd);
  store<u32>(extra, start, EXTRA.start);
  store<u32>(extra, end, EXTRA.end);
  setExtraCount(lane, count + 1);
}

/** Says where the value of the field that was noted last ends. */
@inline
export function endExtra(lane: usize, end: usize): void {
  store<u32>(extraOf(lane, extraCount(lane) - 1), end, EXTRA.end);
}

/** Notes the key of a mapped object as the row has it. */
@inline
export function setNodeKey(lane: usize, node: usize, keyStart: usize, keyEnd: usize): void {
  const at = nodeKey(lane, node);
  store<u32>(at, keyStart, SPAN.start);
  store<u32>(at, keyEnd, SPAN.end);
}

@inline
function nodeKey(lane: usize, node: usize): usize {
  return <usize>load<u32>(node, NODE.rowKeys) + lane * SPAN.size;
}

/** Writes the extras of the lane's row as one JSON object. @returns the end of it; `to` where there is none */
export function writeExtras(lane: usize, to: usize): usize {
  const first = extraOf(lane, 0);
  const count = <usize>extraCount(lane);
  let at = to;
  let open = NODES;
  for (let i: usize = 0; i < count; i++) {
    const extra = first + i * EXTRA.size;
    const end: usize = load<u32>(extra, EXTRA.end);
    if (end == 0) continue;
    const node: usize = load<u32>(extra, EXTRA.node);
    if (at == to) store<u8>(at++, 0x7b);
    else {
      // Objects are closed up to one that is around the field; what is open then is continued.
      for (; open != node && !contains(open, node); open = parentOf(open)) store<u8>(at++, 0x7d);
      store<u8>(at++, 0x2c);
    }
    at = openObjects(lane, at, open, node);
    open = node;
    at = writeKey(at, load<u32>(extra, EXTRA.keyStart), load<u32>(extra, EXTRA.keyEnd));
    const start: usize = load<u32>(extra, EXTRA.start);
    copyBytes(at, start, end - start);
    at += end - start;
  }
  if (at == to) return to;
  for (; open != NODES; open = parentOf(open)) store<u8>(at++, 0x7d);
  store<u8>(at++, 0x7d);
  return at;
}

@inline
function parentOf(node: usize): usize {
  return load<u32>(node, NODE.parent);
}

/** Whether `inner` is somewhere inside `node`. */
function contains(node: usize, inner: usize): bool {
  while (inner != NODES) {
    inner = parentOf(inner);
    if (inner == node) return true;
  }
  return false;
}

/** Opens the objects from inside of `from` down to `to`. */
function openObjects(lane: usize, at: usize, from: usize, to: usize): usize {
  if (from == to) return at;
  at = openObjects(lane, at, from, parentOf(to));
  const key = nodeKey(lane, to);
  at = writeKey(at, load<u32>(key, SPAN.start), load<u32>(key, SPAN.end));
  store<u8>(at, 0x7b);
  return at + 1;
}

function writeKey(at: usize, start: usize, end: usize): usize {
  store<u8>(at, 0x22);
  copyBytes(at + 1, start, end - start);
  at += end - start + 1;
  store<u16>(at, 0x3a22);
  return at + 2;
}
