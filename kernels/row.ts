/**
 * The general path: one pass over a row. The place of a value that the spec maps is stored in its slot, a field that it
 * does not map becomes an extra, and all else is only checked.
 */
import {
  EXTRA,
  GENERAL_CONTEXT,
  HEADER,
  IGNORED_TARGET,
  KEPT_TARGET,
  KEY,
  KIND,
  NODE,
  NODES,
  NODE_TARGET,
  SPAN,
  STATUS,
} from './abi';
import { slotsOf } from './block';
import { decodeContent, sourceOf, startArena } from './embedded';
import { errorAt, failAt } from './errors';
import { addExtra, extraCount, extraOf, nodeKey, setExtraCount, setNodeKey } from './extras';
import { kindOf, readScalar, setSlot, skipSpace, skipValue, startsScalar } from './json';
import { findTarget, UNMAPPED } from './keys';
import { hasKey, isPresent, keyStart, valueStart } from './messages';
import { scanString } from './string';
import { isText } from './utf8';

/** The block's row that is read. */
let row: usize = 0;
/** Slots that the row has that was read last, by bit. */
export let columns: u64 = 0;
/** Tells the nodes of this row from those of rows before, without clearing them. */
let rowStamp: u32 = 0;
/** The node that is null in the row, which stands for a message without a value; 0 if there is none. */
let nullNode: usize = 0;
/** The objects around the text that is read, which is the row or embedded in it. */
let textDepth: u32 = 0;

/**
 * Reads a message into the row context of this path.
 * @param index of the row in the block
 * @returns its status; if it is not STATUS.OK, `errorAt` is set: before the value if the key is to blame
 */
export function readRow(message: usize, index: usize): u32 {
  rowStamp++;
  row = index;
  columns = 0;
  nullNode = 0;
  setExtraCount(GENERAL_CONTEXT, 0);
  if (load<u32>(HEADER.arena)) startArena(message);
  if (load<u32>(HEADER.keyNode) && hasKey(message) && !readKey(message)) {
    failAt(valueStart(message) - 1);
    return STATUS.MALFORMED;
  }
  if (load<u32>(HEADER.tombstones) && !isPresent(message)) {
    setTombstone();
    return STATUS.OK;
  }
  const end = valueStart(message + 1);
  // The rules of the grammar need no end: a NUL byte is there while it is read, which none accepts.
  const next = load<u8>(end);
  store<u8>(end, 0);
  const status = readValue(valueStart(message), end);
  store<u8>(end, next);
  if (nullNode && status == STATUS.OK) setTombstone();
  return status;
}

/** Whether the row that was read last is that of a message without a value, by a null inside of it. */
@inline
export function isNullRow(): bool {
  return nullNode != 0;
}

/** Makes the row say that it had no value. */
function setTombstone(): void {
  const slot = load<u32>(HEADER.tombstoneSlot);
  columns |= (<u64>1) << slot;
  const start: usize = load<u32>(HEADER.tombstoneStart);
  setSlot(slotsOf(slot), row, start, load<u32>(HEADER.tombstoneEnd), load<u32>(HEADER.tombstoneKind));
}

/** Reads a message's value from `p` to `end`. @returns as `readRow` */
@inline
function readValue(p: usize, end: usize): u32 {
  p = skipSpace(p);
  const isObject = load<u8>(p) == 0x7b;
  const start = p;
  p = isObject ? readObject(NODES, p) : skipValue(p, 0);
  if (p == 0) return STATUS.MALFORMED;
  p = skipSpace(p);
  if (p != end) {
    failAt(p);
    return STATUS.MALFORMED;
  }
  if (isObject) return STATUS.OK;
  failAt(start);
  return STATUS.NOT_OBJECT;
}

/** The same of its key alone, into the slots: not of one with embedded texts. @returns whether it is valid */
export function readKeyOf(message: usize, index: usize): bool {
  row = index;
  return readKey(message);
}

/** Reads a message's key. @returns whether it is what the spec takes it for */
function readKey(message: usize): bool {
  const p = keyStart(message);
  const end = keyStart(message + 1);
  const next = load<u8>(end);
  store<u8>(end, 0);
  const node = <usize>load<u32>(HEADER.keyNode);
  const name = nodeKey(GENERAL_CONTEXT, node);
  const isRead = load<u32>(HEADER.wholeKey)
    ? readWholeKey(p, end, load<u32>(name, SPAN.start), load<u32>(name, SPAN.end))
    : readText(NODES, node, load<u32>(name, SPAN.start), load<u32>(name, SPAN.end), p, end);
  store<u8>(end, next);
  return isRead;
}

function readWholeKey(p: usize, end: usize, nameStart: usize, nameEnd: usize): bool {
  const target = load<u32>(<usize>load<u32>(HEADER.wholeKey), KEY.target);
  if (target != KEPT_TARGET && load<u32>(HEADER.wholeKeyIsText)) {
    columns |= (<u64>1) << target;
    setSlot(slotsOf(target), row, p, end, KIND.STRING);
    return isText(p, end);
  }
  p = skipSpace(p);
  p = target == KEPT_TARGET ? readOther(NODES, nameStart, nameEnd, p, 0, true) : readColumn(target, p, 0);
  return p != 0 && skipSpace(p) == end;
}

/** Reads the text from `p` to `end`, where there is a NUL byte, as the value of `child`. @returns whether it is JSON */
function readText(node: usize, child: usize, keyStart: usize, keyEnd: usize, p: usize, end: usize): bool {
  const around = textDepth;
  textDepth = load<u32>(child, NODE.depth);
  p = skipSpace(p);
  p = load<u8>(p) == 0x7b ? readObject(child, p) : readOther(node, keyStart, keyEnd, p, 0, keepsMembers(child));
  textDepth = around;
  if (p == 0) return false;
  p = skipSpace(p);
  if (p != end) failAt(p);
  return p == end;
}

/** Reads the mapped object at `p`. @returns its end, 0 if it is malformed */
function readObject(node: usize, p: usize): usize {
  p = skipSpace(p + 1);
  if (load<u8>(p) == 0x7d) return p + 1;
  while (true) {
    if (load<u8>(p) != 0x22) return failAt(p);
    const keyStart = p + 1;
    const keyEnd = scanString(keyStart);
    if (keyEnd == 0) return 0;
    const target = findTarget(node, keyStart, keyEnd);
    p = skipSpace(keyEnd + 1);
    if (load<u8>(p) != 0x3a) return failAt(p);
    p = skipSpace(p + 1);
    p = readMember(node, target, keyStart, keyEnd, p);
    if (p == 0) return 0;
    p = skipSpace(p);
    const c: u32 = load<u8>(p);
    if (c == 0x7d) return p + 1;
    if (c != 0x2c) return failAt(p);
    p = skipSpace(p + 1);
  }
  return 0;
}

/** Reads the value at `p` of a key with the given target. @returns its end, 0 if it is malformed */
function readMember(node: usize, target: u32, keyStart: usize, keyEnd: usize, p: usize): usize {
  const depth = load<u32>(node, NODE.depth) + 1 - textDepth;
  if (target < NODE_TARGET) return readColumn(target, p, depth);
  if (target >= KEPT_TARGET) {
    const isKept = target == UNMAPPED ? keepsMembers(node) : target != IGNORED_TARGET;
    return readOther(node, keyStart, keyEnd, p, depth, isKept);
  }
  const child = NODES + <usize>(target ^ NODE_TARGET) * NODE.size;
  if (load<u32>(child, NODE.rowStamp) == rowStamp) forget(child);
  store<u32>(child, rowStamp, NODE.rowStamp);
  setNodeKey(GENERAL_CONTEXT, child, keyStart, keyEnd);
  store<u32>(child, extraCount(GENERAL_CONTEXT), NODE.firstExtra);
  const c: u32 = load<u8>(p);
  // A repeated key replaces the null that it had before as well.
  const isNull = load<u8>(child, NODE.isTombstone) != 0 && c == 0x6e;
  if (load<u8>(child, NODE.isTombstone)) nullNode = isNull ? child : 0;
  const end =
    c == 0x7b
      ? readObject(child, p)
      : c == 0x22 && load<u8>(child, NODE.isEmbedded)
        ? readEmbedded(node, child, keyStart, keyEnd, p + 1)
        : readOther(node, keyStart, keyEnd, p, depth, !isNull && keepsMembers(child));
  store<u32>(child, extraCount(GENERAL_CONTEXT), NODE.endExtra);
  return end;
}

@inline
function readColumn(slot: u32, p: usize, depth: u32): usize {
  columns |= (<u64>1) << slot;
  const slots = slotsOf(slot);
  if (startsScalar(load<u8>(p))) return readScalar(p, slots, row);
  const end = skipValue(p, depth);
  setSlot(slots, row, p, end, kindOf(load<u8>(p)));
  return end;
}

/** Whether members of the node that the spec does not map are extras. */
@inline
function keepsMembers(node: usize): bool {
  return load<u8>(node, NODE.isIgnored) == 0;
}

@inline
function readOther(node: usize, keyStart: usize, keyEnd: usize, p: usize, depth: u32, isKept: bool): usize {
  const end = skipValue(p, depth);
  if (end != 0 && isKept) addExtra(GENERAL_CONTEXT, node, keyStart, keyEnd, p, end);
  return end;
}

/** Reads the string from `p` on as the JSON that it holds. @returns the end after its quote, 0 if it is malformed */
function readEmbedded(node: usize, child: usize, keyStart: usize, keyEnd: usize, p: usize): usize {
  const end = decodeContent(child, p);
  if (end == 0) return 0;
  const content = <usize>load<u32>(child, NODE.content);
  if (readText(node, child, keyStart, keyEnd, content, load<u32>(child, NODE.contentEnd))) return end + 1;
  return failAt(sourceOf(errorAt, content, p));
}

/** A repeated key replaces the whole value that it had before: the leaves below it, its extras, and a null in it. */
function forget(node: usize): void {
  for (let at = nullNode; at > NODES; at = load<u32>(at, NODE.parent)) if (at == node) nullNode = 0;
  columns &= ~load<u64>(node, NODE.leaves);
  const last = load<u32>(node, NODE.endExtra);
  for (let i = load<u32>(node, NODE.firstExtra); i < last; i++) store<u32>(extraOf(GENERAL_CONTEXT, i), 0, EXTRA.end);
}
