/**
 * The general path: one pass over a row. Where the spec maps a path the value's place is noted in its slot, where it
 * maps nothing the field is noted as an extra; all else is only checked.
 */
import {
  EXTRA_BYTES,
  EXTRAS,
  K_MISSING,
  K_STRING,
  KEY_BYTES,
  MALFORMED,
  NODE_BYTES,
  NODE_TARGET,
  NODES,
  NOT_OBJECT,
  OK,
  SCRATCH,
  SLOT_BYTES,
  SLOTS,
  SPEC_COLUMNS,
} from './layout';
import { copyBytes, decodeString, escaped, failAt, scanString } from './string';
import { kindOf, skipSpace, skipValue } from './json';

/** Extras of the current row, those that were replaced later included. */
export let extraCount: usize = 0;
/** Tells the nodes of this row from those of rows before, without clearing them. */
let rowStamp: u32 = 0;

/**
 * Reads the row from `p` to `end`, where a NUL byte stands.
 * @returns its status; where it is not OK, `errorAt` is set
 */
export function readRow(p: usize, end: usize): u32 {
  rowStamp++;
  extraCount = 0;
  memory.fill(SLOTS, 0, <usize>load<u32>(SPEC_COLUMNS) * SLOT_BYTES);
  p = skipSpace(p);
  const isObject = load<u8>(p) == 0x7b;
  const start = p;
  p = isObject ? readObject(NODES, p) : skipValue(p, 0);
  if (p == 0) return MALFORMED;
  p = skipSpace(p);
  if (p != end) {
    failAt(p);
    return MALFORMED;
  }
  if (isObject) return OK;
  failAt(start);
  return NOT_OBJECT;
}

/** Reads the mapped object at `p`. @returns its end, 0 where it is malformed */
function readObject(node: usize, p: usize): usize {
  p = skipSpace(p + 1);
  if (load<u8>(p) == 0x7d) return p + 1;
  while (true) {
    if (load<u8>(p) != 0x22) return failAt(p);
    const keyStart = p + 1;
    const keyEnd = scanString(keyStart);
    if (keyEnd == 0) return 0;
    const target = escaped ? findEscapedKey(node, keyStart, keyEnd) : findKey(node, keyStart, keyEnd - keyStart);
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

const UNMAPPED: u32 = 0xffffffff;

/** Reads the value at `p` of a key with the given target. @returns its end, 0 where it is malformed */
function readMember(node: usize, target: u32, keyStart: usize, keyEnd: usize, p: usize): usize {
  const depth = load<u32>(node, 36) + 1;
  if (target == UNMAPPED) {
    const end = skipValue(p, depth);
    if (end != 0) addExtra(node, keyStart, keyEnd, p, end);
    return end;
  }
  if (target < NODE_TARGET) return readLeaf(SLOTS + <usize>target * SLOT_BYTES, p, depth);
  const child = NODES + <usize>(target ^ NODE_TARGET) * NODE_BYTES;
  if (load<u32>(child, 32) == rowStamp) forget(child);
  store<u32>(child, rowStamp, 32);
  store<u32>(child, keyStart, 16);
  store<u32>(child, keyEnd, 20);
  store<u32>(child, extraCount, 24);
  let end: usize;
  if (load<u8>(p) == 0x7b) end = readObject(child, p);
  else {
    end = skipValue(p, depth);
    if (end != 0) addExtra(node, keyStart, keyEnd, p, end);
  }
  store<u32>(child, extraCount, 28);
  return end;
}

@inline
function readLeaf(slot: usize, p: usize, depth: u32): usize {
  if (load<u8>(p) == 0x22) {
    const end = scanString(p + 1);
    if (end == 0) return 0;
    store<u32>(slot, K_STRING);
    store<u32>(slot, p + 1, 4);
    store<u32>(slot, end, 8);
    store<u32>(slot, u32(escaped), 12);
    return end + 1;
  }
  const end = skipValue(p, depth);
  if (end == 0) return 0;
  store<u32>(slot, kindOf(load<u8>(p)));
  store<u32>(slot, p, 4);
  store<u32>(slot, end, 8);
  return end;
}

/** A repeated key replaces the whole value that it had before: the leaves below it, and its extras. */
function forget(node: usize): void {
  for (let leaves = load<u64>(node, 40); leaves; leaves &= leaves - 1) {
    store<u32>(SLOTS + <usize>ctz(leaves) * SLOT_BYTES, K_MISSING);
  }
  const extras = <usize>load<u32>(EXTRAS);
  const last = <usize>load<u32>(node, 28);
  for (let i = <usize>load<u32>(node, 24); i < last; i++) store<u32>(extras + i * EXTRA_BYTES, 0, 16);
}

@inline
function addExtra(node: usize, keyStart: usize, keyEnd: usize, start: usize, end: usize): void {
  const extra = <usize>load<u32>(EXTRAS) + extraCount++ * EXTRA_BYTES;
  store<u32>(extra, node);
  store<u32>(extra, keyStart, 4);
  store<u32>(extra, keyEnd, 8);
  store<u32>(extra, start, 12);
  store<u32>(extra, end, 16);
}

function findEscapedKey(node: usize, start: usize, end: usize): u32 {
  const scratch = <usize>load<u32>(SCRATCH);
  return findKey(node, scratch, decodeString(scratch, start, end) - scratch);
}

/**
 * What the node maps a key to. Keys mostly come in the order of the row before, so the search starts behind the key
 * that was found last.
 */
function findKey(node: usize, p: usize, length: usize): u32 {
  const first = <usize>load<u32>(node);
  const count = load<u32>(node, 4);
  const hint = load<u32>(node, 8);
  for (let i = hint; i < count; i++) {
    const key = first + <usize>i * KEY_BYTES;
    if (<usize>load<u32>(key, 4) == length && sameBytes(load<u32>(key), p, length)) {
      store<u32>(node, i + 1, 8);
      return load<u32>(key, 8);
    }
  }
  for (let i: u32 = 0; i < hint; i++) {
    const key = first + <usize>i * KEY_BYTES;
    if (<usize>load<u32>(key, 4) == length && sameBytes(load<u32>(key), p, length)) {
      store<u32>(node, i + 1, 8);
      return load<u32>(key, 8);
    }
  }
  return UNMAPPED;
}

@inline
function sameBytes(a: usize, b: usize, length: usize): bool {
  let i: usize = 0;
  for (; i + 16 <= length; i += 16) {
    if (i8x16.bitmask(i8x16.eq(v128.load(a + i), v128.load(b + i))) != 0xffff) return false;
  }
  const rest = length - i;
  const wanted: u32 = (1 << <u32>rest) - 1;
  return (<u32>i8x16.bitmask(i8x16.eq(v128.load(a + i), v128.load(b + i))) & wanted) == wanted;
}

/** Writes the extras of the row as one JSON object. @returns the end of it; `to` where there is none */
export function writeExtras(to: usize): usize {
  const first = <usize>load<u32>(EXTRAS);
  let at = to;
  let open = NODES;
  for (let i: usize = 0; i < extraCount; i++) {
    const extra = first + i * EXTRA_BYTES;
    const end: usize = load<u32>(extra, 16);
    if (end == 0) continue;
    const node: usize = load<u32>(extra);
    if (at == to) store<u8>(at++, 0x7b);
    else {
      // Objects are closed up to one that is around the field; what is open then is continued.
      for (; open != node && !contains(open, node); open = parentOf(open)) store<u8>(at++, 0x7d);
      store<u8>(at++, 0x2c);
    }
    at = openObjects(at, open, node);
    open = node;
    at = writeKey(at, load<u32>(extra, 4), load<u32>(extra, 8));
    const start: usize = load<u32>(extra, 12);
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
  return load<u32>(node, 12);
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
function openObjects(at: usize, from: usize, to: usize): usize {
  if (from == to) return at;
  at = openObjects(at, from, parentOf(to));
  at = writeKey(at, load<u32>(to, 16), load<u32>(to, 20));
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
