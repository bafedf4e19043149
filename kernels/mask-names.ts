/** Names of members → their masks: as they are, or as dotted paths, in which changes name the fields that changed. */
import { HEADER, MASK, MASK_KEY, MASK_NODE } from './abi';
import { sameBytes } from './keys';
import { decodeString, escaped } from './string';

const DOT: u8 = 0x2e;
/** Of longer ones nobody asks what they mean: all is masked. */
const MAX_PATH_BYTES: usize = 1024;
/** Of paths with more ways to follow them nobody asks, either: numbers can be names or elements, each by itself. */
const MAX_STEPS: u32 = 1024;

/** What the path may mean as far as it was followed: a MASK_NODE, 0 for nothing with a mask. */
let meant: usize = 0;
let steps: u32 = 0;

/** Whether it is none of MASK_NODE itself, but of members. */
@inline
export function isInner(mask: u32): bool {
  return mask == MASK.INNER || mask == MASK.PATHS || mask == MASK.AROUND;
}

/** The MASK_NODE of the member whose name was scanned last; 0 if neither it nor anything inside has a mask. */
export function findMember(node: usize, p: usize, end: usize): usize {
  if (escaped) {
    const scratch = <usize>load<u32>(HEADER.scratch);
    end = decodeString(scratch, p, end);
    p = scratch;
  }
  if (load<u32>(node, MASK_NODE.mask) != MASK.PATHS) return findName(node, p, end);
  if (end - p > MAX_PATH_BYTES) return load<u32>(HEADER.hiddenMask);
  meant = 0;
  steps = 0;
  followPath(node, p, end);
  return meant;
}

function findName(node: usize, p: usize, end: usize): usize {
  const length = end - p;
  let key: usize = load<u32>(node, MASK_NODE.keys);
  const last = key + <usize>load<u32>(node, MASK_NODE.keyCount) * MASK_KEY.size;
  for (; key != last; key += MASK_KEY.size) {
    const isAlike = <usize>load<u32>(key, MASK_KEY.length) == length;
    if (isAlike && sameBytes(load<u32>(key, MASK_KEY.address), p, length)) return load<u32>(key, MASK_KEY.node);
  }
  return 0;
}

/**
 * Sets `meant` to what the path from `p` to `end` may mean inside of a node; if that is more than one thing, to what
 * masks all. Names can have dots of their own, and a number can be a name, or which element of an array it is.
 * @param p after the end: all of the path was followed
 */
function followPath(node: usize, p: usize, end: usize): void {
  if (steps++ >= MAX_STEPS) {
    meant = load<u32>(HEADER.hiddenMask);
    return;
  }
  const mask = load<u32>(node, MASK_NODE.mask);
  if (p > end || !isInner(mask)) {
    meant = meant == 0 || meant == node ? node : <usize>load<u32>(HEADER.hiddenMask);
    return;
  }
  // The object that has the paths is no array.
  if (mask != MASK.PATHS) {
    const after = skipIndex(p, end);
    if (after != p) followPath(node, after + 1, end);
  }
  let key: usize = load<u32>(node, MASK_NODE.keys);
  const last = key + <usize>load<u32>(node, MASK_NODE.keyCount) * MASK_KEY.size;
  for (; key != last; key += MASK_KEY.size) {
    const length = <usize>load<u32>(key, MASK_KEY.length);
    const isAlike = p + length == end || (p + length < end && load<u8>(p + length) == DOT);
    if (!isAlike || !sameBytes(load<u32>(key, MASK_KEY.address), p, length)) continue;
    followPath(load<u32>(key, MASK_KEY.node), p + length + 1, end);
  }
}

/** The end of the name at `p` if it has digits only, else `p`. */
function skipIndex(p: usize, end: usize): usize {
  let at = p;
  while (at < end && load<u8>(at) - 0x30 < 10) at++;
  return at == end || load<u8>(at) == DOT ? at : p;
}
