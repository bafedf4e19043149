/**
 * The general path: one pass over a row. Where the spec maps a path the value's place is noted in its slot, where it
 * maps nothing the field is noted as an extra; all else is only checked.
 */
import { addExtra, setNodeKey } from './extras';
import { kindOf, readScalar, setSlot, skipSpace, skipValue, startsScalar } from './json';
import { findTarget, UNMAPPED } from './keys';
import {
  EXTRA_BYTES,
  LANE_0,
  LANE_COLUMNS,
  MALFORMED,
  NODE_BYTES,
  NODE_TARGET,
  NODES,
  NOT_OBJECT,
  OK,
  SLOT_COLUMN_BYTES,
  SLOTS,
} from './layout';
import { failAt, scanString } from './string';

/** Slots of the current row: those of the first spec column, the others follow in steps of SLOT_COLUMN_BYTES. */
let slots: usize = 0;
/** Spec columns that the current row has. */
let columns: u64 = 0;
/** Tells the nodes of this row from those of rows before, without clearing them. */
let rowStamp: u32 = 0;

/**
 * Reads the row from `p` to `end`, where a NUL byte stands, into lane 0.
 * @param slot of the row in the first spec column
 * @returns its status; where it is not OK, `errorAt` is set
 */
export function readRow(p: usize, end: usize, slot: usize): u32 {
  rowStamp++;
  slots = slot;
  columns = 0;
  store<u32>(LANE_0, 0, 4);
  p = skipSpace(p);
  const isObject = load<u8>(p) == 0x7b;
  const start = p;
  p = isObject ? readObject(NODES, p) : skipValue(p, 0);
  store<u64>(LANE_0, columns, LANE_COLUMNS);
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
  const depth = load<u32>(node, 36) + 1;
  if (target == UNMAPPED) return readExtra(node, keyStart, keyEnd, p, depth);
  if (target < NODE_TARGET) {
    columns |= (<u64>1) << target;
    const slot = slots + <usize>target * SLOT_COLUMN_BYTES;
    if (startsScalar(load<u8>(p))) return readScalar(p, slot);
    const end = skipValue(p, depth);
    setSlot(slot, p, end, kindOf(load<u8>(p)));
    return end;
  }
  const child = NODES + <usize>(target ^ NODE_TARGET) * NODE_BYTES;
  if (load<u32>(child, 32) == rowStamp) forget(child);
  store<u32>(child, rowStamp, 32);
  setNodeKey(LANE_0, child, keyStart, keyEnd);
  store<u32>(child, load<u32>(LANE_0, 4), 24);
  const end = load<u8>(p) == 0x7b ? readObject(child, p) : readExtra(node, keyStart, keyEnd, p, depth);
  store<u32>(child, load<u32>(LANE_0, 4), 28);
  return end;
}

@inline
function readExtra(node: usize, keyStart: usize, keyEnd: usize, p: usize, depth: u32): usize {
  const end = skipValue(p, depth);
  if (end != 0) addExtra(LANE_0, node, keyStart, keyEnd, p, end);
  return end;
}

/** A repeated key replaces the whole value that it had before: the leaves below it, and its extras. */
function forget(node: usize): void {
  columns &= ~load<u64>(node, 40);
  const extras = <usize>load<u32>(LANE_0);
  const last = <usize>load<u32>(node, 28);
  for (let i = <usize>load<u32>(node, 24); i < last; i++) store<u32>(extras + i * EXTRA_BYTES, 0, 16);
}
