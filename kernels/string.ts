/** JSON strings: a SIMD scan for the byte that ends the plain part, and the decoding of escapes. */
import { failAt } from './errors';
import { skipText } from './utf8';

/** Whether the last scanned string has escapes. */
export let escaped: bool = false;

/** A bit per byte of the 16 at `p` that needs handling: a quote, a backslash, a control character, or not ASCII. */
@inline
function needsHandlingAt(p: usize): u32 {
  return needsHandling(v128.load(p), i8x16.splat(2), i8x16.splat(0x21), i8x16.splat(0x5c));
}

/** The same of these bytes, and with these constants in each of 16 bytes: 2, 0x21 and 0x5c. */
@inline
export function needsHandling(bytes: v128, bit1: v128, low: v128, backslash: v128): u32 {
  // With bit 1 flipped a quote is right after the control characters. Signed: bytes from 0x80 on are below them.
  return i8x16.bitmask(v128.or(i8x16.lt_s(v128.xor(bytes, bit1), low), i8x16.eq(bytes, backslash)));
}

/** From `p` to the first such byte. */
@inline
function scanPlain(p: usize): usize {
  let mask = needsHandlingAt(p);
  while (!mask) mask = needsHandlingAt((p += 16));
  return p + ctz(mask);
}

/** From the byte after the opening quote to the closing quote; sets `escaped`. */
@inline
export function scanString(p: usize): usize {
  const q = scanPlain(p);
  escaped = false;
  return load<u8>(q) == 0x22 ? q : scanRest(q);
}

/** The same from the first byte that needs handling. */
function scanRest(q: usize): usize {
  escaped = false;
  while (true) {
    const c: u32 = load<u8>(q);
    if (c == 0x22) return q;
    if (c == 0x5c) {
      escaped = true;
      q = skipEscape(q);
      if (q == 0) return 0;
      q = scanPlain(q);
    } else if (c >= 0x80) {
      q = skipText(q);
      if (q == 0) return 0;
    } else return failAt(q);
  }
  return 0;
}

/** The end of the escape at `q`. */
export function skipEscape(q: usize): usize {
  const c: u32 = load<u8>(q, 1);
  if (c == 0x75) {
    for (let i: usize = 2; i < 6; i++) if (hexDigit(load<u8>(q + i)) > 15) return failAt(q + i);
    return q + 6;
  }
  // b f n r t, and " \ / themselves.
  const isLetter = c == 0x62 || c == 0x66 || c == 0x6e || c == 0x72 || c == 0x74;
  return isLetter || c == 0x22 || c == 0x5c || c == 0x2f ? q + 2 : failAt(q + 1);
}

/** 0 to 15, or more for what is no digit. */
@inline
export function hexDigit(c: u32): u32 {
  const digit = c - 0x30;
  if (digit < 10) return digit;
  const letter = (c | 0x20) - 0x61;
  return letter < 6 ? letter + 10 : 0x100;
}

/** The number that 16 hex digits at `p` are, 0 if one of them is none. */
@inline
export function hexNumber(p: usize): u64 {
  const text = v128.load(p);
  const isDecimal = i8x16.lt_u(i8x16.sub(text, i8x16.splat(0x30)), i8x16.splat(10));
  const isLetter = i8x16.lt_u(i8x16.sub(v128.or(text, i8x16.splat(0x20)), i8x16.splat(0x61)), i8x16.splat(6));
  const areHex = i8x16.bitmask(v128.or(isDecimal, isLetter)) == 0xffff;
  const nibbles = i8x16.add(v128.and(text, i8x16.splat(0x0f)), v128.and(isLetter, i8x16.splat(9)));
  const high = i16x8.shl(v128.and(nibbles, i16x8.splat(0x0f)), 4);
  const bytes = v128.or(high, i16x8.shr_u(nibbles, 8));
  const number = bswap<u64>(i64x2.extract_lane(i8x16.narrow_i16x8_u(bytes, bytes), 0));
  return areHex ? number : 0;
}

/** Copies bytes; may read and write up to 32 more. Most texts are short, so the loop is a function of its own. */
@inline
export function copyBytes(to: usize, from: usize, length: usize): void {
  copy32(to, from);
  if (length > 32) copyRest(to, from, length);
}

function copyRest(to: usize, from: usize, length: usize): void {
  for (let i: usize = 32; i < length; i += 32) copy32(to + i, from + i);
}

@inline
function copy32(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
}

/** Decodes the inside of a valid JSON string; may write up to 15 bytes more. @returns the end of what was written */
export function decodeString(to: usize, p: usize, end: usize): usize {
  while (p < end) {
    const v = v128.load(p);
    v128.store(to, v);
    const mask = i8x16.bitmask(i8x16.eq(v, i8x16.splat(0x5c)));
    const plain: usize = mask ? <usize>ctz<i32>(mask) : 16;
    p += plain;
    to += plain;
    if (p >= end) return to - (p - end);
    if (plain == 16) continue;
    const c: u32 = load<u8>(p, 1);
    if (c == 0x75) {
      const unit = hex4(p + 2);
      p += 6;
      let code = unit;
      if ((unit & 0xf800) == 0xd800) {
        code = 0xfffd;
        // A pair of surrogates is one character; each that stands alone is U+FFFD.
        if (unit < 0xdc00 && p + 6 <= end && load<u16>(p) == 0x755c) {
          const low = hex4(p + 2);
          if ((low & 0xfc00) == 0xdc00) {
            code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            p += 6;
          }
        }
      }
      to = storeUtf8(to, code);
    } else {
      store<u8>(to++, unescaped(c));
      p += 2;
    }
  }
  return to;
}

/** The end of what is one character in a valid string: a byte that is not escaped, or an escape, or a pair of them. */
export function characterEnd(p: usize): usize {
  if (load<u8>(p) != 0x5c) return p + 1;
  if (load<u8>(p, 1) != 0x75) return p + 2;
  const isPair = (hex4(p + 2) & 0xfc00) == 0xd800 && load<u16>(p, 6) == 0x755c && (hex4(p + 8) & 0xfc00) == 0xdc00;
  return p + (isPair ? 12 : 6);
}

@inline
function hex4(p: usize): u32 {
  const high = (hexDigit(load<u8>(p)) << 4) | hexDigit(load<u8>(p, 1));
  return (high << 8) | (hexDigit(load<u8>(p, 2)) << 4) | hexDigit(load<u8>(p, 3));
}

@inline
function unescaped(c: u32): u32 {
  if (c == 0x62) return 0x08;
  if (c == 0x66) return 0x0c;
  if (c == 0x6e) return 0x0a;
  if (c == 0x72) return 0x0d;
  if (c == 0x74) return 0x09;
  return c;
}

function storeUtf8(to: usize, code: u32): usize {
  if (code < 0x80) {
    store<u8>(to, code);
    return to + 1;
  }
  if (code < 0x800) {
    store<u8>(to, 0xc0 | (code >> 6));
    store<u8>(to, 0x80 | (code & 63), 1);
    return to + 2;
  }
  if (code < 0x10000) {
    store<u8>(to, 0xe0 | (code >> 12));
    store<u8>(to, 0x80 | ((code >> 6) & 63), 1);
    store<u8>(to, 0x80 | (code & 63), 2);
    return to + 3;
  }
  store<u8>(to, 0xf0 | (code >> 18));
  store<u8>(to, 0x80 | ((code >> 12) & 63), 1);
  store<u8>(to, 0x80 | ((code >> 6) & 63), 2);
  store<u8>(to, 0x80 | (code & 63), 3);
  return to + 4;
}
