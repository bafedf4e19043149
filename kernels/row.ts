/**
 * The general path: one pass over a row. Where the spec maps a path the value's place is noted in its slot, where it
 * maps nothing the field is noted as an extra; all else is only checked.
 */
import { EXTRA, GENERAL_CONTEXT, NODE, NODES, NODE_TARGET, STATUS } from './abi';
import { slotsOf } from './block';
import { addExtra, extraCount, extraOf, setExtraCount, setNodeKey } from './extras';
import { kindOf, readScalar, setSlot, skipSpace, skipValue, startsScalar } from './json';
import { findTarget, UNMAPPED } from './keys';
import { failAt, scanString } from './string';

/** The block's row that is read. */
let row: usize = 0;
/** Spec columns that the row has that was read last, by bit. */
export let columns: u64 = 0;
/** Tells the nodes of this row from those of rows before, without clearing them. */
let rowStamp: u32 = 0;

/**
 * Reads the row from `p` to `end`, where a NUL byte stands, into the lane of this path.
 * @param index of the row in the block
 * @returns its status; where it is not STATUS.OK, `errorAt` is set
 */
export function readRow(p: usize, end: usize, index: usize): u32 {
  rowStamp++;
  row = index;
  columns = 0;
  setExtraCount(GENERAL_CONTEXT, 0);
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

/** Reads the mapped object at `p`. @returns its end, 0 where it is malformed */
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

/** Reads the value at `p` of a key with the given target. @returns its end, 0 where it is malformed */
function readMember(node: usize, target: u32, keyStart: usize, keyEnd: usize, p: usize): usize {
  const depth = load<u32>(node, NODE.depth) + 1;
  if (target == UNMAPPED) return readExtra(node, keyStart, keyEnd, p, depth);
  if (target < NODE_TARGET) {
    columns |= (<u64>1) << target;
    const slots = slotsOf(target);
    if (startsScalar(load<u8>(p))) return readScalar(p, slots, row);
    const end = skipValue(p, depth);
    setSlot(slots, row, p, end, kindOf(load<u8>(p)));
    return end;
  }
  const child = NODES + <usize>(target ^ NODE_TARGET) * NODE.size;
  if (load<u32>(child, NODE.rowStamp) == rowStamp) forget(child);
  store<u32>(child, rowStamp, NODE.rowStamp);
  setNodeKey(GENERAL_CONTEXT, child, keyStart, keyEnd);
  store<u32>(child, extraCount(GENERAL_CONTEXT), NODE.firstExtra);
  const end = load<u8>(p) == 0x7b ? readObject(child, p) : readExtra(node, keyStart, keyEnd, p, depth);
  store<u32>(child, extraCount(GENERAL_CONTEXT), NODE.endExtra);
  return end;
}

@inline
function readExtra(node: usize, keyStart: usize, keyEnd: usize, p: usize, depth: u32): usize {
  const end = skipValue(p, depth);
  if (end != 0) addExtra(GENERAL_CONTEXT, node, keyStart, keyEnd, p, end);
  return end;
}

/** A repeated key replaces the whole value that it had before: the leaves below it, and its extras. */
function forget(node: usize): void {
  columns &= ~load<u64>(node, NODE.leaves);
  const last = load<u32>(node, NODE.endExtra);
  for (let i = load<u32>(node, NODE.firstExtra); i < last; i++) store<u32>(extraOf(GENERAL_CONTEXT, i), 0, EXTRA.end);
}
