/** Fields that the spec does not map: recorded while a row is read, written as one JSON object at its end. */
import { BLOCK_ROWS, CONTEXT_EXTRAS, EXTRA, EXTRA_COUNTS, HEADER, NODE, NODES, SPAN } from './abi';
import { maskJson } from './masks';
import { copyBytes } from './string';

/** How many fields the row has so far. */
@inline
export function extraCount(context: usize): u32 {
  return load<u32>(EXTRA_COUNTS + (context << 2));
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
export function setExtraCount(context: usize, count: u32): void {
  store<u32>(EXTRA_COUNTS + (context << 2), count);
}

/** The record of the field with this index; the last row context has all the room after it. */
@inline
export function extraOf(context: usize, index: u32): usize {
  return <usize>load<u32>(HEADER.extras) + (context * <usize>CONTEXT_EXTRAS + <usize>index) * EXTRA.size;
}

/** Records a field of a mapped object; its end may be set later. Keys are without their quotes. */
@inline
export function addExtra(context: usize, node: usize, keyStart: usize, keyEnd: usize, start: usize, end: usize): void {
  const count = extraCount(context);
  const extra = extraOf(context, count);
  store<u32>(extra, node, EXTRA.node);
  store<u32>(extra, keyStart, EXTRA.keyStart);
  store<u32>(extra, keyEnd, EXTRA.keyEnd);
  store<u32>(extra, start, EXTRA.start);
  store<u32>(extra, end, EXTRA.end);
  setExtraCount(context, count + 1);
}

/** Sets the end of the value of the last field. */
@inline
export function endExtra(context: usize, end: usize): void {
  store<u32>(extraOf(context, extraCount(context) - 1), end, EXTRA.end);
}

/** Records the key of a mapped object as the row has it. */
@inline
export function setNodeKey(context: usize, node: usize, keyStart: usize, keyEnd: usize): void {
  const at = nodeKey(context, node);
  store<u32>(at, keyStart, SPAN.start);
  store<u32>(at, keyEnd, SPAN.end);
}

/** The SPAN of it. */
@inline
export function nodeKey(context: usize, node: usize): usize {
  return <usize>load<u32>(node, NODE.rowKeys) + context * SPAN.size;
}

/** Writes the extras of a row context as one JSON object, masked. @returns its end; `to` if there are none */
export function writeExtras(context: usize, to: usize): usize {
  const root: usize = load<u32>(HEADER.maskRoot);
  if (root == 0) return writeFields(context, to);
  const unmasked: usize = load<u32>(HEADER.unmasked);
  const end = writeFields(context, unmasked);
  return end == unmasked ? to : maskJson(to, unmasked, end, root);
}

/** Writes the extras of a row context as they came. */
function writeFields(context: usize, to: usize): usize {
  const first = extraOf(context, 0);
  const count = <usize>extraCount(context);
  let at = to;
  let open = NODES;
  for (let i: usize = 0; i < count; i++) {
    const extra = first + i * EXTRA.size;
    const end: usize = load<u32>(extra, EXTRA.end);
    if (end == 0) continue;
    const node: usize = load<u32>(extra, EXTRA.node);
    if (at == to) store<u8>(at++, 0x7b);
    else {
      // Closes objects up to one that is around the field.
      for (; open != node && !contains(open, node); open = parentOf(open)) store<u8>(at++, 0x7d);
      store<u8>(at++, 0x2c);
    }
    at = openObjects(context, at, open, node);
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
function openObjects(context: usize, at: usize, from: usize, to: usize): usize {
  if (from == to) return at;
  at = openObjects(context, at, from, parentOf(to));
  const key = nodeKey(context, to);
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
