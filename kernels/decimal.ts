/**
 * Decimal digits → int64 scaled by 10^4, rounded half away from zero, or as it is if it is an integer.
 *
 * Rounding half away from zero depends on the first dropped digit only, so no more than 19 significant digits are kept.
 */

/** Whether the last conversion succeeded. */
export let converted: bool = false;
/** Whether the result is the very number that was read: no digit but 0 was dropped. */
export let exact: bool = false;

/** Makes the conversion at hand a failed one, whose result is 0. */
@inline
export function refuse(): i64 {
  converted = false;
  return 0;
}

/** Makes the conversion at hand one that succeeded. */
@inline
export function readAs(value: i64): i64 {
  converted = true;
  exact = true;
  return value;
}

export const SCALE: i64 = 4;
const MAX_DIGITS: i64 = 18;
const KEPT_DIGITS: i64 = 19;
export const MAX_SCALED: u64 = 999999999999999999;
const MAX_EXPONENT: i64 = 1 << 40;

/** Digits of the number that is being read. */
export let kept: u64 = 0;
export let keptCount: i64 = 0;
/** Power of ten of the first significant digit, plus one: 0.d1d2… × 10^point. */
export let point: i64 = 0;
export let significant: bool = false;
/** Power of ten that all of it is multiplied by. */
export let exponent: i64 = 0;

@inline
export function startDigits(): void {
  kept = 0;
  keptCount = 0;
  point = 0;
  significant = false;
  exponent = 0;
  exact = true;
}

/** Multiplies all digits by a power of ten. */
export function shiftDigits(power: i64): void {
  exponent = power;
}

@inline
export function integerDigit(digit: u32): void {
  if (!significant && digit == 0) return;
  significant = true;
  point++;
  keep(digit);
}

@inline
export function fractionDigit(digit: u32): void {
  if (!significant) {
    if (digit == 0) {
      point--;
      return;
    }
    significant = true;
  }
  keep(digit);
}

@inline
function keep(digit: u32): void {
  if (keptCount < KEPT_DIGITS) {
    kept = kept * 10 + digit;
    keptCount++;
  } else exact = exact && digit == 0;
}

/** The number that was read, times 10^4; sets `converted` and `exact`. */
export function scaled(negative: bool): i64 {
  converted = true;
  if (!significant) return 0;
  const wanted = point + exponent + SCALE;
  if (wanted > MAX_DIGITS) {
    converted = false;
    return 0;
  }
  if (wanted < 0) {
    exact = false;
    return 0;
  }
  let value = kept;
  let count = keptCount;
  for (; count > wanted + 1; count--) {
    exact = exact && value % 10 == 0;
    value /= 10;
  }
  if (count == wanted + 1) {
    const dropped = value % 10;
    exact = exact && dropped == 0;
    value = value / 10 + u64(dropped >= 5);
  } else for (; count < wanted; count++) value *= 10;
  converted = value <= MAX_SCALED;
  return negative ? -(<i64>value) : <i64>value;
}

/** The integer that was read; sets `converted`, to false as well if it has a fraction. */
function whole(negative: bool): i64 {
  if (!significant) return readAs(0);
  const wanted = point + exponent;
  let value = kept;
  let count = keptCount;
  for (; count > wanted && value % 10 == 0; count--) value /= 10;
  if (count > wanted || wanted > KEPT_DIGITS || !exact) return refuse();
  for (; count < wanted; count++) value *= 10;
  converted = value <= <u64>i64.MAX_VALUE + u64(negative);
  return negative ? -(<i64>value) : <i64>value;
}

@inline
export function isDigit(c: u32): bool {
  return c - 0x30 < 10;
}

/** Bit per byte: whether it is an ASCII digit. */
@inline
export function digitMask(bytes: v128): u32 {
  return i8x16.bitmask(i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x30)), i8x16.splat(10)));
}

/** The number that 16 bytes of 0 to 9 are, the first one the highest digit. */
@inline
export function digitsValue(digits: v128): u64 {
  // Pairs, then fours: what is left are four numbers below 10,000.
  const high = i16x8.mul(v128.and(digits, i16x8.splat(0xff)), i16x8.splat(10));
  const pairs = i16x8.add(high, i16x8.shr_u(digits, 8));
  const fours = i32x4.dot_i16x8_s(pairs, i16x8(100, 1, 100, 1, 100, 1, 100, 1));
  const upper = <u64>i32x4.extract_lane(fours, 0) * 10000 + <u64>i32x4.extract_lane(fours, 1);
  const lower = <u64>i32x4.extract_lane(fours, 2) * 10000 + <u64>i32x4.extract_lane(fours, 3);
  return upper * 100000000 + lower;
}

/** No decimal that `shortDecimal` reads has this value. */
export const NOT_SHORT: i64 = -1;

/** `d{1,12}[.d{1,4}]` of at most 16 bytes, scaled by 10^4; NOT_SHORT for anything else. */
@inline
export function shortDecimal(p: usize, end: usize): i64 {
  const length = <u32>(end - p);
  const text = v128.load(p);
  const others = ~digitMask(text) | (0xffffffff << length);
  const integer = ctz<u32>(others);
  const fraction = length - integer;
  // After the point there are digits to the end, one to four.
  const hasFraction =
    u32(fraction - 2 < 4) &
    u32(load<u8>(p + integer) == 0x2e) &
    u32(integer + 1 + ctz<u32>(others >> (integer + 1)) >= length);
  const isRight = u32(length <= 16) & u32(integer - 1 < 12) & (u32(fraction == 0) | hasFraction);
  return valueIf(isRight, alignedValue(text, length, integer, 0));
}

/** The value, or NOT_SHORT if it is not right; without a branch, so that a loop makes the value's constants once. */
@inline
function valueIf(isRight: u32, value: i64): i64 {
  return value | (<i64>isRight - 1);
}

/**
 * The same, or with a comma: one group of three digits in either way of writing, or a decimal comma, as in `1,234`,
 * `1,234.50`, `1.234,50` and `12,5`. These forms take turns at random, so what is a condition elsewhere is arithmetic
 * here, with one branch at the end.
 */
@inline
export function shortGrouped(p: usize, end: usize): i64 {
  const length = <u32>(end - p);
  const text = v128.load(p);
  const others = ~digitMask(text) & ~(0xffffffff << length);
  const second = others & (others - 1);
  const isPlain = u32(others == 0);
  const first = isPlain ? length : ctz<u32>(others);
  const last = second == 0 ? first : ctz<u32>(second);
  const mark: u32 = load<u8>(p + last);
  const isComma = u32(mark == 0x2c);
  const isAlone = u32(second == 0);
  // The last separator is what starts the fraction, unless it is the only one and starts a group.
  const startsGroup = isAlone & (isPlain ^ 1) & isComma & u32(length - last == 4);
  const point = startsGroup ? length : last;
  const hasGroup = startsGroup | (isAlone ^ 1);
  const isRight =
    u32(length - 1 < 16) &
    u32((second & (second - 1)) == 0) &
    // Up to twelve digits, then the end or one to four more.
    u32(point - hasGroup - 1 < 12) &
    (u32(point == length) | u32(length - point - 2 < 4)) &
    // One separator is a point or a comma, two are a comma and a point.
    ((isAlone & (isPlain | u32(mark == 0x2e) | (isComma & u32(length - last < 5)))) |
      ((isAlone ^ 1) & u32((<u32>load<u8>(p + first) ^ mark) == 2) & u32((mark | 2) == 0x2e))) &
    // A group has three digits, and one to three are before it.
    ((hasGroup ^ 1) | (u32(point - first == 4) & u32(first - 1 < 3)));
  return valueIf(isRight, alignedValue(text, length, point, hasGroup));
}

/** The digits of a text scaled by 10^4. @param groups 1 if a separator is three digits before the point */
@inline
function alignedValue(text: v128, length: u32, point: u32, groups: u32): i64 {
  // Separators go, so that the integer ends at byte 12; a lane from outside of the text becomes 0.
  const lane = i8x16.sub(
    i8x16.add(i8x16(-12, -11, -10, -9, -8, -7, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4), i8x16.splat(<i8>point)),
    v128.and(i8x16(1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0), i8x16.splat(<i8>groups)),
  );
  const outside = i8x16.ge_u(lane, i8x16.splat(<i8>length));
  const digits = i8x16.swizzle(i8x16.sub(text, i8x16.splat(0x30)), v128.or(lane, outside));
  return <i64>digitsValue(digits);
}

/** Reads `e±d+` at `p` up to `end` exactly. @returns whether it is there */
export function readExponent(p: usize, end: usize): bool {
  let c: u32 = load<u8>(++p);
  const negative = c == 0x2d;
  if (p < end && (negative || c == 0x2b)) p++;
  if (p >= end) return false;
  for (; p < end; p++) {
    c = load<u8>(p);
    if (!isDigit(c)) return false;
    if (exponent < MAX_EXPONENT) exponent = exponent * 10 + (c - 0x30);
  }
  if (negative) exponent = -exponent;
  return true;
}

/**
 * `[-]d+[.d*][e±d+]` or `[-].d+`: a JSON number, or plain decimal text if `plus` allows a leading `+`.
 */
export function plainDecimal(p: usize, end: usize, plus: bool): i64 {
  converted = false;
  let negative = false;
  if (p < end) {
    const c: u32 = load<u8>(p);
    negative = c == 0x2d;
    if (negative || (plus && c == 0x2b)) p++;
  }
  return unsignedPlain(p, end, negative);
}

/** The same without a sign. */
export function unsignedPlain(p: usize, end: usize, negative: bool): i64 {
  const short = shortDecimal(p, end);
  if (short != NOT_SHORT) return readAs(negative ? -short : short);
  return readPlain(p, end) ? scaled(negative) : refuse();
}

/** Reads the digits and the exponent of such a number. @returns whether it is one */
export function readPlain(p: usize, end: usize): bool {
  startDigits();
  let digits = 0;
  for (; p < end && isDigit(load<u8>(p)); p++, digits++) integerDigit(load<u8>(p) - 0x30);
  const hasInteger = digits > 0;
  if (p < end && load<u8>(p) == 0x2e) {
    for (p++; p < end && isDigit(load<u8>(p)); p++, digits++) fractionDigit(load<u8>(p) - 0x30);
  }
  if (digits == 0) return false;
  if (p == end) return true;
  return hasInteger && (load<u8>(p) | 0x20) == 0x65 && readExponent(p, end);
}

/** A plain number that is an integer, however it is written: `104.0`, `1e3`; sets `converted`. */
export function wholeText(p: usize, end: usize): i64 {
  const negative = p < end && load<u8>(p) == 0x2d;
  return readPlain(p + usize(negative), end) ? whole(negative) : refuse();
}
