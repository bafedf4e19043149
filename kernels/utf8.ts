/**
 * UTF-8 validation of 16 bytes at a time, by the look-up method of J. Keiser and D. Lemire, "Validating UTF-8 in less
 * than one instruction per byte" (2021): what can be wrong with two neighbouring bytes follows from three of their four
 * halves. Each half is looked up to a set of errors; an error that is in all three sets is one.
 */
import { failAt } from './errors';

/** A first byte and no continuation after it. */
const TOO_SHORT: u8 = 1;
/** ASCII and a continuation. */
const TOO_LONG: u8 = 2;
/** More bytes than the character needs, by the length of the sequence. */
const OVERLONG_2: u8 = 32;
const OVERLONG_3: u8 = 4;
const OVERLONG_4: u8 = 64;
/** Past U+10FFFF; far past it, which is another row of the table but has the bit of OVERLONG_4. */
const TOO_LARGE: u8 = 8;
const FAR_TOO_LARGE: u8 = 64;
const SURROGATE: u8 = 16;
/** Two continuations: right after a first byte of three or four bytes, and only there. */
const TWO_CONTINUATIONS: u8 = 128;

/** What the lower half of a first byte says nothing about. */
const ANY: u8 = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS;
const LEAD_F: u8 = TOO_SHORT | TOO_LARGE | FAR_TOO_LARGE | OVERLONG_4;
const LARGE: u8 = ANY | TOO_LARGE | FAR_TOO_LARGE;
const SECOND: u8 = TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS;

/** In which bytes of a block, with those before it, something is wrong: they are not 0. */
@inline
function errorsOf(before: v128, block: v128): v128 {
  const one = i8x16.shuffle(before, block, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
  const two = i8x16.shuffle(before, block, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29);
  const three = i8x16.shuffle(before, block, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28);
  const byFirstHigh = i8x16.swizzle(
    i8x16(
      TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
      TWO_CONTINUATIONS, TWO_CONTINUATIONS, TWO_CONTINUATIONS, TWO_CONTINUATIONS,
      TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE, LEAD_F,
    ),
    i8x16.shr_u(one, 4),
  );
  const byFirstLow = i8x16.swizzle(
    i8x16(
      ANY | OVERLONG_2 | OVERLONG_3 | OVERLONG_4, ANY | OVERLONG_2, ANY, ANY, ANY | TOO_LARGE, LARGE, LARGE, LARGE,
      LARGE, LARGE, LARGE, LARGE, LARGE, LARGE | SURROGATE, LARGE, LARGE,
    ),
    v128.and(one, i8x16.splat(15)),
  );
  const bySecondHigh = i8x16.swizzle(
    i8x16(
      TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
      SECOND | OVERLONG_3 | OVERLONG_4 | FAR_TOO_LARGE, SECOND | OVERLONG_3 | TOO_LARGE,
      SECOND | SURROGATE | TOO_LARGE, SECOND | SURROGATE | TOO_LARGE,
      TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
    ),
    i8x16.shr_u(block, 4),
  );
  const errors = v128.and(v128.and(byFirstHigh, byFirstLow), bySecondHigh);
  // After the first of three or four bytes, and only there, two continuations must come: bit 7 from 0xe0 or 0xf0 on.
  const third = i8x16.sub_sat_u(two, i8x16.splat(0x60));
  const fourth = i8x16.sub_sat_u(three, i8x16.splat(0x70));
  return v128.xor(errors, v128.and(v128.or(third, fourth), i8x16.splat(<i8>0x80)));
}

/** From `p` to the next quote, backslash or control character; 0 if it is not UTF-8 up to there. */
export function skipText(p: usize): usize {
  let before = i64x2.splat(0);
  let at = p;
  while (true) {
    let block = v128.load(at);
    const stop: u32 = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(block, i8x16.splat(0x22)), i8x16.eq(block, i8x16.splat(0x5c))),
        i8x16.lt_u(block, i8x16.splat(0x20)),
      ),
    );
    if (stop) {
      // From there on it counts as ASCII, which shows a character that is not complete.
      const lanes = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
      block = v128.and(block, i8x16.lt_u(lanes, i8x16.splat(<i8>ctz(stop))));
    }
    if (v128.any_true(errorsOf(before, block))) return failInText(p);
    if (stop) return at + ctz(stop);
    before = block;
    at += 16;
  }
  return 0;
}

/** Whether the bytes from `p` to `end`, at which there is a NUL byte, are UTF-8. */
export function isText(p: usize, end: usize): bool {
  while (p < end) {
    p = skipText(p);
    if (p == 0) return false;
    p++;
  }
  return true;
}

/** Finds the byte that makes the text at `p` invalid, one character at a time. */
function failInText(p: usize): usize {
  while (p != 0) p = load<u8>(p) < 0x80 ? p + 1 : skipCharacter(p);
  return 0;
}

@inline
function isContinuation(c: u32): bool {
  return (c & 0xc0) == 0x80;
}

/** The end of the character at `q`, whose first byte is not ASCII (RFC 3629). */
function skipCharacter(q: usize): usize {
  const c: u32 = load<u8>(q);
  if (c < 0xc2 || c > 0xf4) return failAt(q);
  // No overlong forms, no surrogates, nothing past U+10FFFF: the second byte tells.
  const low: u32 = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
  const high: u32 = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
  const c1: u32 = load<u8>(q, 1);
  if (c1 < low || c1 > high) return failAt(q + 1);
  if (c < 0xe0) return q + 2;
  if (!isContinuation(load<u8>(q, 2))) return failAt(q + 2);
  if (c < 0xf0) return q + 3;
  return isContinuation(load<u8>(q, 3)) ? q + 4 : failAt(q + 3);
}
