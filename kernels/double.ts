/** Text → the nearest double, as `JSON.parse` has it: all arithmetic is exact but for one rounding at the end. */
import { BIG, DENOMINATOR, NUMERATOR } from './abi';
import {
  digitMask,
  digitsValue,
  exact,
  exponent,
  isDigit,
  kept,
  keptCount,
  point,
  readAs,
  readPlain,
  refuse,
  significant,
} from './decimal';

/** No text without a sign has this value. */
const NOT_SHORT: f64 = -1;
/** The highest power of five in 64 bits. */
const MAX_POWER: i64 = 27;
/** 10^309 is beyond all doubles; half of the lowest one is above 10^-324. */
const MAX_POINT: i64 = 309;
const MIN_POINT: i64 = -323;
/** Two doubles have no more digits in the middle between them: of what comes after, it matters only whether it is 0. */
const MAX_DIGITS = 800;

/** `[-]d+[.d*][e±d+]` or `[-].d+`; sets `converted`, to false as well if no finite double is nearest. */
export function doubleText(p: usize, end: usize): f64 {
  const negative = p < end && load<u8>(p) == 0x2d;
  if (negative) p++;
  let value = shortDouble(p, end);
  if (value != NOT_SHORT) readAs(0);
  else value = longDouble(p, end);
  return negative ? -value : value;
}

/** `d+[.d+]` of at most 16 bytes whose digits are an integer of 53 bits; NOT_SHORT for anything else. */
@inline
function shortDouble(p: usize, end: usize): f64 {
  const length = <u32>(end - p);
  if (length - 1 >= 16) return NOT_SHORT;
  const text = v128.load(p);
  const others = ~digitMask(text) | (0xffffffff << length);
  const whole = ctz<u32>(others);
  const hasPoint = u32(whole < length);
  const fraction = hasPoint ? length - whole - 1 : 0;
  if (hasPoint) {
    if (load<u8>(p + whole) != 0x2e || fraction == 0 || whole + 1 + ctz<u32>(others >> (whole + 1)) < length) {
      return NOT_SHORT;
    }
  }
  if (whole == 0) return NOT_SHORT;
  // Moved to the right, so that the last digit is the last byte, and over the point; what comes from outside is 0.
  const place = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const isBefore = v128.and(i8x16.lt_s(place, i8x16.splat(<i8>(16 - fraction))), i8x16.splat(<i8>hasPoint));
  const lane = i8x16.sub(i8x16.add(place, i8x16.splat(<i8>(length - 16))), isBefore);
  const value = digitsValue(i8x16.swizzle(i8x16.sub(text, i8x16.splat(0x30)), lane));
  if (value > 1 << 53) return NOT_SHORT;
  // Both are exact, so the quotient is rounded once.
  let unit: u64 = 1;
  for (let i: u32 = 0; i < fraction; i++) unit *= 10;
  return <f64>value / <f64>unit;
}

/** All others, without a sign. */
function longDouble(p: usize, end: usize): f64 {
  if (!readPlain(p, end)) return refuseDouble();
  const isExact = exact;
  readAs(0);
  const first = point + exponent;
  if (!significant || first < MIN_POINT) return 0;
  if (first > MAX_POINT) return refuseDouble();
  const power = first - keptCount;
  if (!isExact || power < -MAX_POWER || power > MAX_POWER) return quotient(p, end, first);
  let five: u64 = 1;
  for (let i = power < 0 ? -power : power; i > 0; i--) five *= 5;
  return power < 0 ? divided(kept, five, power) : multiplied(kept, five, power);
}

function refuseDouble(): f64 {
  refuse();
  return 0;
}

/** a × b × 2^power. */
function multiplied(a: u64, b: u64, power: i64): f64 {
  const low = a * b;
  const cross = (a >> 32) * (b & 0xffffffff);
  const other = (a & 0xffffffff) * (b >> 32);
  const middle = (((a & 0xffffffff) * (b & 0xffffffff)) >> 32) + (cross & 0xffffffff) + (other & 0xffffffff);
  const high = (a >> 32) * (b >> 32) + (cross >> 32) + (other >> 32) + (middle >> 32);
  if (high == 0) return nearest(low << clz(low), power - clz(low), false);
  const shift = clz(high);
  const bits = shift ? (high << shift) | (low >> (64 - shift)) : high;
  return nearest(bits, power + 64 - <i64>shift, low << shift != 0);
}

/** a ÷ b × 2^power. */
function divided(a: u64, b: u64, power: i64): f64 {
  power += <i64>clz(b) - <i64>clz(a);
  a <<= clz(a);
  b <<= clz(b);
  // The dividend is a and 64 more bits, or 63 if the quotient had else 65; the divisor's highest bit is set, so that
  // two digits of 32 bits are guessed from its upper half (Knuth, The Art of Computer Programming 2, 4.3.1, D).
  const isShifted = a >= b;
  const low: u64 = isShifted ? a << 63 : 0;
  if (isShifted) a >>= 1;
  const upper = digitOf(a, low >> 32, b);
  const rest = ((a << 32) | (low >> 32)) - upper * b;
  const lower = digitOf(rest, low & 0xffffffff, b);
  const isOver = ((rest << 32) | (low & 0xffffffff)) != lower * b;
  return nearest((upper << 32) | lower, power - (isShifted ? 63 : 64), isOver);
}

/** (high × 2^32 + next) ÷ b, in 32 bits. */
function digitOf(high: u64, next: u64, b: u64): u64 {
  let digit = high / (b >> 32);
  let rest = high % (b >> 32);
  while (digit >> 32 != 0 || digit * (b & 0xffffffff) > ((rest << 32) | next)) {
    digit--;
    rest += b >> 32;
    if (rest >> 32 != 0) break;
  }
  return digit;
}

/** The digits of the number at `p`, which is 0.ddd × 10^first, as a quotient of integers of any length. */
function quotient(p: usize, end: usize, first: i64): f64 {
  let power = first - readDigits(p, end);
  setBig(DENOMINATOR, 1);
  for (let i: i64 = power; i > 0; i--) multiply(NUMERATOR, 5, 0);
  for (let i: i64 = power; i < 0; i++) multiply(DENOMINATOR, 5, 0);
  const more = bitLength(NUMERATOR) - bitLength(DENOMINATOR);
  if (more < 0) shiftLeft(NUMERATOR, -more);
  else shiftLeft(DENOMINATOR, more);
  power += more;
  if (isLess(NUMERATOR, DENOMINATOR)) {
    shiftLeft(NUMERATOR, 1);
    power--;
  }
  let bits: u64 = 0;
  for (let i = 0; i < 64; i++) {
    bits <<= 1;
    if (!isLess(NUMERATOR, DENOMINATOR)) {
      subtract(NUMERATOR, DENOMINATOR);
      bits |= 1;
    }
    shiftLeft(NUMERATOR, 1);
  }
  return nearest(bits, power - 63, load<u32>(NUMERATOR, BIG.count) != 0);
}

/** Sets the numerator to the digits from the first that is not 0 on. @returns how many it has */
function readDigits(p: usize, end: usize): i64 {
  let count = 0;
  let hasMore = false;
  setBig(NUMERATOR, 0);
  for (; p < end; p++) {
    const c: u32 = load<u8>(p);
    if (c == 0x2e) continue;
    if (!isDigit(c)) break;
    if (count == 0 && c == 0x30) continue;
    if (count < MAX_DIGITS) {
      multiply(NUMERATOR, 10, c - 0x30);
      count++;
    } else hasMore = hasMore || c != 0x30;
  }
  if (!hasMore) return count;
  multiply(NUMERATOR, 10, 1);
  return count + 1;
}

function setBig(big: usize, value: u32): void {
  store<u32>(big, u32(value != 0), BIG.count);
  store<u32>(big, value, BIG.limbs);
}

/** big × factor + more. */
function multiply(big: usize, factor: u64, more: u64): void {
  const count: usize = load<u32>(big, BIG.count);
  for (let i: usize = 0; i < count; i++) {
    const limb = big + (i << 2);
    more += <u64>load<u32>(limb, BIG.limbs) * factor;
    store<u32>(limb, <u32>more, BIG.limbs);
    more >>= 32;
  }
  if (more == 0) return;
  store<u32>(big + (count << 2), <u32>more, BIG.limbs);
  store<u32>(big, <u32>count + 1, BIG.count);
}

/** Of a number that is not 0. */
function bitLength(big: usize): i32 {
  const count = load<u32>(big, BIG.count);
  return <i32>((count << 5) - clz(load<u32>(big + (<usize>(count - 1) << 2), BIG.limbs)));
}

function shiftLeft(big: usize, bits: i32): void {
  const count = <i32>load<u32>(big, BIG.count);
  const whole = bits >> 5;
  const rest = <u64>(bits & 31);
  if (count == 0) return;
  let above: u64 = 0;
  for (let i = count; i >= 0; i--) {
    const limb: u64 = i ? load<u32>(big + (<usize>(i - 1) << 2), BIG.limbs) : 0;
    store<u32>(big + (<usize>(i + whole) << 2), <u32>(((above << 32) | limb) << rest >> 32), BIG.limbs);
    above = limb;
  }
  memory.fill(big + BIG.limbs, 0, <usize>whole << 2);
  const top = load<u32>(big + (<usize>(count + whole) << 2), BIG.limbs);
  store<u32>(big, <u32>(count + whole) + u32(top != 0), BIG.count);
}

function isLess(a: usize, b: usize): bool {
  let count: usize = load<u32>(a, BIG.count);
  const other: usize = load<u32>(b, BIG.count);
  if (count != other) return count < other;
  while (count--) {
    const limb = load<u32>(a + (count << 2), BIG.limbs);
    const otherLimb = load<u32>(b + (count << 2), BIG.limbs);
    if (limb != otherLimb) return limb < otherLimb;
  }
  return false;
}

/** a - b, which is not below 0. */
function subtract(a: usize, b: usize): void {
  let count: usize = load<u32>(a, BIG.count);
  const others: usize = load<u32>(b, BIG.count);
  let borrow: i64 = 0;
  for (let i: usize = 0; i < count; i++) {
    const limb = a + (i << 2);
    borrow += <i64>load<u32>(limb, BIG.limbs);
    if (i < others) borrow -= <i64>load<u32>(b + (i << 2), BIG.limbs);
    store<u32>(limb, <u32>borrow, BIG.limbs);
    borrow >>= 32;
  }
  while (count && load<u32>(a + ((count - 1) << 2), BIG.limbs) == 0) count--;
  store<u32>(a, <u32>count, BIG.count);
}

/**
 * The double that is nearest to bits × 2^power, of two the even one.
 * @param bits the highest is set
 * @param isOver whether the number is above that, by less than one of the lowest bit
 */
function nearest(bits: u64, power: i64, isOver: bool): f64 {
  const top = power + 63;
  if (top > 1023) return refuseDouble();
  // Below 2^-1022 doubles have fewer bits.
  const dropped: i64 = top < -1022 ? 11 - 1022 - top : 11;
  if (dropped > 64) return 0;
  const half: u64 = (<u64>1) << (dropped - 1);
  const rest = bits & (half - 1);
  let value = dropped == 64 ? 0 : bits >> dropped;
  if ((bits & half) != 0 && (rest != 0 || isOver || (value & 1) != 0)) value++;
  // The highest of 53 bits is not stored: it adds one to the exponent.
  if (top >= -1022) value += <u64>(top + 1022) << 52;
  return value >> 52 == 0x7ff ? refuseDouble() : reinterpret<f64>(value);
}
