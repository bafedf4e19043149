/** SHA-256 (FIPS 180-4) of four blocks at a time, one in each lane of 128 bits. */
import { SHA_BLOCKS, SHA_CONSTANTS, SHA_STATES, SHA_WORDS } from './abi';

/** Bytes of a block. */
export const BLOCK: usize = 64;

/** The address of one of four states side by side: word `index` of all four. */
@inline
export function stateWord(index: usize): usize {
  return SHA_STATES + (index << 4);
}

/** The address of word `index` of the four blocks. */
@inline
export function blockWord(index: usize): usize {
  return SHA_WORDS + (index << 4);
}

/** Makes all four states the one of eight words at `state`. */
export function startStates(state: usize): void {
  for (let i: usize = 0; i < 8; i++) v128.store(stateWord(i), v128.load32_splat(state + (i << 2)));
}

/** The bytes of each word in the other order. */
@inline
export function swapBytes(words: v128): v128 {
  return i8x16.shuffle(words, words, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

/** Takes the four blocks of `SHA_BLOCKS` apart into words, so that a round has those of all four in one vector. */
export function loadBlocks(): void {
  for (let i: usize = 0; i < 16; i += 4) {
    const block = SHA_BLOCKS + (i << 2);
    const first = swapBytes(v128.load(block));
    const second = swapBytes(v128.load(block, 64));
    const third = swapBytes(v128.load(block, 128));
    const fourth = swapBytes(v128.load(block, 192));
    const low = i32x4.shuffle(first, second, 0, 4, 1, 5);
    const high = i32x4.shuffle(first, second, 2, 6, 3, 7);
    const lowAfter = i32x4.shuffle(third, fourth, 0, 4, 1, 5);
    const highAfter = i32x4.shuffle(third, fourth, 2, 6, 3, 7);
    v128.store(blockWord(i), i64x2.shuffle(low, lowAfter, 0, 2));
    v128.store(blockWord(i), i64x2.shuffle(low, lowAfter, 1, 3), 16);
    v128.store(blockWord(i), i64x2.shuffle(high, highAfter, 0, 2), 32);
    v128.store(blockWord(i), i64x2.shuffle(high, highAfter, 1, 3), 48);
  }
}

@inline
function rotate(words: v128, bits: i32): v128 {
  return v128.or(i32x4.shr_u(words, bits), i32x4.shl(words, 32 - bits));
}

/** Has the states take in the blocks whose words are in `SHA_WORDS`. */
export function compress(): void {
  for (let t: usize = 16; t < 64; t++) {
    const before = v128.load(blockWord(t - 15));
    const last = v128.load(blockWord(t - 2));
    const small0 = v128.xor(v128.xor(rotate(before, 7), rotate(before, 18)), i32x4.shr_u(before, 3));
    const small1 = v128.xor(v128.xor(rotate(last, 17), rotate(last, 19)), i32x4.shr_u(last, 10));
    const sum = i32x4.add(v128.load(blockWord(t - 16)), v128.load(blockWord(t - 7)));
    v128.store(blockWord(t), i32x4.add(sum, i32x4.add(small0, small1)));
  }
  let a = v128.load(stateWord(0));
  let b = v128.load(stateWord(1));
  let c = v128.load(stateWord(2));
  let d = v128.load(stateWord(3));
  let e = v128.load(stateWord(4));
  let f = v128.load(stateWord(5));
  let g = v128.load(stateWord(6));
  let h = v128.load(stateWord(7));
  for (let t: usize = 0; t < 64; t++) {
    const sum1 = v128.xor(v128.xor(rotate(e, 6), rotate(e, 11)), rotate(e, 25));
    const chosen = v128.bitselect(f, g, e);
    const words = i32x4.add(v128.load32_splat(SHA_CONSTANTS + (t << 2)), v128.load(blockWord(t)));
    const first = i32x4.add(i32x4.add(h, sum1), i32x4.add(chosen, words));
    const sum0 = v128.xor(v128.xor(rotate(a, 2), rotate(a, 13)), rotate(a, 22));
    // Where two differ, the third is with the majority.
    const majority = v128.bitselect(c, b, v128.xor(a, b));
    h = g;
    g = f;
    f = e;
    e = i32x4.add(d, first);
    d = c;
    c = b;
    b = a;
    a = i32x4.add(first, i32x4.add(sum0, majority));
  }
  addTo(0, a);
  addTo(1, b);
  addTo(2, c);
  addTo(3, d);
  addTo(4, e);
  addTo(5, f);
  addTo(6, g);
  addTo(7, h);
}

@inline
function addTo(index: usize, words: v128): void {
  v128.store(stateWord(index), i32x4.add(v128.load(stateWord(index)), words));
}
