/**
 * Strings that hold JSON → that JSON: checked and decoded in one pass. Nearly all of their escapes are quotes, one
 * every few bytes, so 16 bytes at a time lose their backslashes without a branch. All else is handled one by one.
 */
import { COMPACTIONS } from './abi';
import { characterEnd, decodeString, skipEscape } from './string';
import { skipText } from './utf8';

/** The end of the text that was decoded last. */
export let decodedEnd: usize = 0;

/**
 * Decodes the string from `p` on, which is after its quote; may write up to 32 bytes more.
 * @returns its closing quote, 0 if there is none before `end` or it is no string; sets `decodedEnd`
 */
export function unescape(to: usize, p: usize, end: usize): usize {
  /** Whether the byte before `p` is a backslash that escapes the one at `p`. */
  let carry: u32 = 0;
  while (p < end) {
    const bytes = v128.load(p);
    const backslashes: u32 = i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(0x5c)));
    const quotes: u32 = i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(0x22)));
    // Signed: control characters, and bytes from 0x80 on.
    const odd: u32 = i8x16.bitmask(i8x16.lt_s(bytes, i8x16.splat(0x20)));
    const escaped = (backslashes << 1) | carry;
    // A quote that is not escaped, something else that is, or what is odd.
    const stops = ((quotes ^ escaped) & 0xffff) | odd;
    if (stops == 0) {
      to = compact(to, bytes, backslashes);
      carry = backslashes >> 15;
      p += 16;
      continue;
    }
    const stop = <usize>ctz(stops);
    const before: u32 = (1 << <u32>stop) - 1;
    compact(to, bytes, backslashes);
    to += stop - <usize>popcnt(backslashes & before);
    p += stop;
    if ((escaped >> <u32>stop) & 1) p--;
    else if (load<u8>(p) == 0x22) {
      decodedEnd = to;
      return p < end ? p : 0;
    }
    const next = load<u8>(p) == 0x5c ? escapeEnd(p) : skipText(p);
    if (next <= p || next > end) return 0;
    to = decodeString(to, p, next);
    p = next;
    carry = 0;
  }
  return 0;
}

/** Writes the bytes but those in the set, which has a bit each. @returns the end of what was written */
@inline
function compact(to: usize, bytes: v128, leftOut: u32): usize {
  const low: u32 = leftOut & 0xff;
  const high: u32 = leftOut >> 8;
  v128.store64_lane(to, i8x16.swizzle(bytes, v128.load64_zero(COMPACTIONS + (<usize>low << 3))), 0);
  to += 8 - <usize>popcnt(low);
  const places = i8x16.add(v128.load64_zero(COMPACTIONS + (<usize>high << 3)), i8x16.splat(8));
  v128.store64_lane(to, i8x16.swizzle(bytes, places), 0);
  return to + 8 - <usize>popcnt(high);
}

/** The end of the escape at `p`, or of a pair of them; 0 if it is none. */
function escapeEnd(p: usize): usize {
  const end = skipEscape(p);
  if (end == 0) return 0;
  const last = characterEnd(p);
  return last == end || skipEscape(end) == last ? last : 0;
}
