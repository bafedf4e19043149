/**
 * Texts → the first half of their HMAC-SHA-256 (RFC 2104) in hexadecimal digits. The states after the inner and the
 * outer key are computed once, so a short text takes two blocks, and four texts take as long as one. Texts that have
 * come lately are remembered: those of a topic repeat.
 */
import {
  CACHED_MASK,
  HEADER,
  HMAC_CACHE,
  HMAC_INNER,
  HMAC_OUTER,
  HMAC_SHORT,
  HMAC_TEXT,
  PENDING_MASK,
  PENDING_MASKS,
  SHA_BLOCKS,
  SHA_START,
} from './abi';
import { sameBytes } from './keys';
import { BLOCK, blockWord, compress, loadBlocks, startStates, stateWord, swapBytes } from './sha256';
import { copyBytes } from './string';

/** Whether the states after the keys are computed. */
let isKeyed: bool = false;
/** Texts whose HMACs are not computed yet: fewer than four. */
let pending: usize = 0;

/** Computes the states after the keys, and forgets the key. */
export function startMasks(): void {
  const key: usize = load<u32>(HEADER.maskKey);
  if (key == 0 || isKeyed) return;
  isKeyed = true;
  keyState(key, 0x36, HMAC_INNER);
  keyState(key, 0x5c, HMAC_OUTER);
  memory.fill(key, 0, BLOCK);
}

function keyState(key: usize, pad: u8, state: usize): void {
  for (let i: usize = 0; i < BLOCK; i += 16) {
    v128.store(SHA_BLOCKS + i, v128.xor(v128.load(key + i), i8x16.splat(pad)));
  }
  startStates(SHA_START);
  loadBlocks();
  compress();
  for (let i: usize = 0; i < 8; i++) store<u32>(state + (i << 2), load<u32>(stateWord(i)));
}

/**
 * Writes the mask of a text: HMAC_TEXT bytes, which are there after `endMasks` at the latest. The text may be
 * overwritten before; where it goes to must not move.
 */
export function maskText(to: usize, p: usize, end: usize): void {
  const length = end - p;
  if (length > HMAC_SHORT) return maskLong(to, p, length);
  const entry = entryOf(p, length);
  if (<usize>load<u32>(entry, CACHED_MASK.length) == length + 1 && sameBytes(entry + CACHED_MASK.text, p, length)) {
    copyBytes(to, entry + CACHED_MASK.mask, HMAC_TEXT);
    return;
  }
  writeBlock(SHA_BLOCKS + pending * BLOCK, p, length);
  const record = PENDING_MASKS + pending * PENDING_MASK.size;
  store<u32>(record, <u32>to, PENDING_MASK.to);
  store<u32>(record, <u32>entry, PENDING_MASK.entry);
  store<u32>(record, <u32>length, PENDING_MASK.length);
  if (++pending == 4) endMasks();
}

/** Where a text is remembered, by its first and last eight bytes and its length. */
@inline
function entryOf(p: usize, length: usize): usize {
  const beyond = <u64>(64 - (min(length, 8) << 3));
  const first = length ? load<u64>(p) << beyond : 0;
  const last = length ? load<u64>(p + length - 8) >> beyond : 0;
  const middle = length > 16 ? load<u64>(p + (length >> 1) - 4) : 0;
  const hash = (first + rotl(last, 23) + rotl(middle, 41) + <u64>length) * 0x9e3779b97f4a7c15;
  return <usize>load<u32>(HEADER.maskCache) + <usize>((hash >> 32) & <u64>(HMAC_CACHE - 1)) * CACHED_MASK.size;
}

/** The last block of a text of at most HMAC_SHORT bytes, which follows the key's. Reads 64 bytes from `p` on. */
function writeBlock(block: usize, p: usize, length: usize): void {
  const lanes = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (let i: usize = 0; i < BLOCK; i += 16) {
    const isText = i8x16.lt_s(i8x16.add(lanes, i8x16.splat(<i8>i)), i8x16.splat(<i8>length));
    v128.store(block + i, v128.and(v128.load(p + i), isText));
  }
  store<u8>(block + length, 0x80);
  store<u32>(block, bswap<u32>(<u32>((BLOCK + length) << 3)), 60);
}

/** Computes what is pending. */
export function endMasks(): void {
  if (pending == 0) return;
  startStates(HMAC_INNER);
  loadBlocks();
  compress();
  finish();
  for (let i: usize = 0; i < pending; i++) {
    const record = PENDING_MASKS + i * PENDING_MASK.size;
    const to: usize = load<u32>(record, PENDING_MASK.to);
    writeDigits(to, i);
    const entry: usize = load<u32>(record, PENDING_MASK.entry);
    store<u32>(entry, load<u32>(record, PENDING_MASK.length) + 1, CACHED_MASK.length);
    memory.copy(entry + CACHED_MASK.text, SHA_BLOCKS + i * BLOCK, HMAC_SHORT);
    memory.copy(entry + CACHED_MASK.mask, to, HMAC_TEXT);
  }
  pending = 0;
}

/** From the states after the texts to those after the outer key and what the texts came to. */
function finish(): void {
  for (let i: usize = 0; i < 8; i++) v128.store(blockWord(i), v128.load(stateWord(i)));
  v128.store(blockWord(8), i32x4.splat(0x80000000));
  for (let i: usize = 9; i < 15; i++) v128.store(blockWord(i), i32x4.splat(0));
  v128.store(blockWord(15), i32x4.splat((64 + 32) << 3));
  startStates(HMAC_OUTER);
  compress();
}

/** A longer text by itself. What is pending comes first: both use the first block. */
function maskLong(to: usize, p: usize, length: usize): void {
  endMasks();
  startStates(HMAC_INNER);
  let left = length;
  for (; left >= BLOCK; left -= BLOCK) {
    memory.copy(SHA_BLOCKS, p, BLOCK);
    loadBlocks();
    compress();
    p += BLOCK;
  }
  memory.fill(SHA_BLOCKS, 0, BLOCK);
  memory.copy(SHA_BLOCKS, p, left);
  store<u8>(SHA_BLOCKS + left, 0x80);
  if (left > HMAC_SHORT) {
    loadBlocks();
    compress();
    memory.fill(SHA_BLOCKS, 0, BLOCK);
  }
  // A text has less than 2^32 bytes.
  store<u64>(SHA_BLOCKS, bswap<u64>(<u64>(BLOCK + length) << 3), 56);
  loadBlocks();
  compress();
  finish();
  writeDigits(to, 0);
}

/** Writes the first half of one of the four states as hexadecimal digits. */
function writeDigits(to: usize, lane: usize): void {
  const state = stateWord(0) + (lane << 2);
  const words = i32x4(0, 0, 0, 0);
  const low = v128.load32_lane(state, v128.load32_lane(state + 16, words, 1), 0);
  const bytes = swapBytes(v128.load32_lane(state + 32, v128.load32_lane(state + 48, low, 3), 2));
  const digits = i8x16(48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101, 102);
  const high = i8x16.swizzle(digits, i8x16.shr_u(bytes, 4));
  const rest = i8x16.swizzle(digits, v128.and(bytes, i8x16.splat(15)));
  v128.store(to, i8x16.shuffle(high, rest, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
  v128.store(to, i8x16.shuffle(high, rest, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), 16);
}
