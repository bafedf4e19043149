/** Keys of mapped objects → what the spec maps them to. */
import { HEADER, KEPT_TARGET, KEY, KEYS_FOUND, NODE, NODES, SPEC_COLUMN } from './abi';
import { fieldOf } from './block';
import { decodeString, escaped } from './string';

/** What `findTarget` gives for a key that the spec does not map. */
export const UNMAPPED: u32 = 0xffffffff;

/** What the node maps the key to that was scanned last: a target of KEY, or UNMAPPED. */
@inline
export function findTarget(node: usize, start: usize, end: usize): u32 {
  return escaped ? findEscapedKey(node, start, end) : findKey(node, start, end);
}

/** Maps the keys of these slots, a bit per slot, to their slots, or has them be extras. */
export function mapKeys(slots: u64, areMapped: bool): void {
  for (; slots; slots &= slots - 1) {
    const slot = <u32>ctz(slots);
    store<u32>(<usize>load<u32>(fieldOf(slot), SPEC_COLUMN.key), areMapped ? slot : KEPT_TARGET, KEY.target);
  }
}

function findEscapedKey(node: usize, start: usize, end: usize): u32 {
  const scratch = <usize>load<u32>(HEADER.scratch);
  return findKey(node, scratch, decodeString(scratch, start, end));
}

/** In any order of keys, most are found at the last one with the same hash. */
function findKey(node: usize, p: usize, end: usize): u32 {
  const length = end - p;
  const found = KEYS_FOUND + (<usize>keyHash(node, p, end) << 1);
  const key = NODES + <usize>load<u16>(found) * KEY.size;
  const first = <usize>load<u32>(node, NODE.keys);
  const isOfNode = key - first < <usize>load<u32>(node, NODE.keyCount) * KEY.size;
  if (isOfNode && isKey(key, p, length)) return load<u32>(key, KEY.target);
  return searchKey(node, p, length, found);
}

/** 8 bits of the first eight bytes, the last eight and the length; shorter keys are shifted, for branches cost more. */
@inline
function keyHash(node: usize, p: usize, end: usize): u32 {
  const length = <u64>(end - p);
  const beyond = 64 - (min(length, 8) << 3);
  const bytes = (load<u64>(p) << beyond) + rotl(load<u64>(end - 8) >> beyond, 23);
  return <u32>(((bytes + length + <u64>node) * 0x9e3779b97f4a7c15) >> 56);
}

/** Compares all keys, and stores at `found` which one it was. */
function searchKey(node: usize, p: usize, length: usize, found: usize): u32 {
  const first = <usize>load<u32>(node, NODE.keys);
  const last = first + <usize>load<u32>(node, NODE.keyCount) * KEY.size;
  for (let key = first; key != last; key += KEY.size) {
    if (isKey(key, p, length)) {
      store<u16>(found, (key - NODES) / KEY.size);
      return load<u32>(key, KEY.target);
    }
  }
  return UNMAPPED;
}

/** Whether the record is that of the key at `p`. */
@inline
function isKey(key: usize, p: usize, length: usize): bool {
  return <usize>load<u32>(key, KEY.length) == length && sameBytes(load<u32>(key, KEY.address), p, length);
}

/** Reads up to 15 bytes behind both. */
@inline
export function sameBytes(a: usize, b: usize, length: usize): bool {
  let i: usize = 0;
  for (; i + 16 <= length; i += 16) {
    if (i8x16.bitmask(i8x16.eq(v128.load(a + i), v128.load(b + i))) != 0xffff) return false;
  }
  const rest = length - i;
  const wanted: u32 = (1 << <u32>rest) - 1;
  return (<u32>i8x16.bitmask(i8x16.eq(v128.load(a + i), v128.load(b + i))) & wanted) == wanted;
}
