/**
 * Decimal digits → int64 scaled by 10^4, exact, rounded half away from zero. Also 64-bit integers.
 *
 * Rounding half away from zero depends on the first dropped digit only, so 19 significant digits are all that is kept.
 */

/** Whether the last conversion succeeded. */
export let converted: bool = false;

/** Makes the conversion at hand a failed one, whose result is 0. */
@inline
export function refuse(): i64 {
  converted = false;
  return 0;
}

const SCALE: i64 = 4;
const MAX_DIGITS: i64 = 18;
const KEPT_DIGITS: i64 = 19;
const MAX_SCALED: u64 = 999999999999999999;
const MAX_EXPONENT: i64 = 1 << 40;

/** Digits of the number that is being read. */
let kept: u64 = 0;
let keptCount: i64 = 0;
/** Power of ten of the first significant digit, plus one: 0.d1d2… × 10^point. */
let point: i64 = 0;
let significant: bool = false;

@inline
export function startDigits(): void {
  kept = 0;
  keptCount = 0;
  point = 0;
  significant = false;
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
  }
}

/** The number that was read, times 10^(4 + exponent); sets `converted`. */
export function scaled(exponent: i64, negative: bool): i64 {
  converted = true;
  if (!significant) return 0;
  const wanted = point + exponent + SCALE;
  if (wanted > MAX_DIGITS) {
    converted = false;
    return 0;
  }
  if (wanted < 0) return 0;
  let value = kept;
  let count = keptCount;
  while (count > wanted + 1) {
    value /= 10;
    count--;
  }
  if (count == wanted + 1) value = value / 10 + u64(value % 10 >= 5);
  else while (count < wanted) {
    value *= 10;
    count++;
  }
  converted = value <= MAX_SCALED;
  return negative ? -(<i64>value) : <i64>value;
}

@inline
export function isDigit(c: u32): bool {
  return c - 0x30 < 10;
}

/** Reads `e±d+` at `p` up to `end` exactly; sets `converted`. */
function readExponent(p: usize, end: usize): i64 {
  converted = false;
  let c: u32 = load<u8>(++p);
  const negative = c == 0x2d;
  if (p < end && (negative || c == 0x2b)) p++;
  if (p >= end) return 0;
  let exponent: i64 = 0;
  for (; p < end; p++) {
    c = load<u8>(p);
    if (!isDigit(c)) return 0;
    if (exponent < MAX_EXPONENT) exponent = exponent * 10 + (c - 0x30);
  }
  converted = true;
  return negative ? -exponent : exponent;
}

/**
 * `[-]d+[.d*][e±d+]` or `[-].d+`: a JSON number, or plain decimal text where `plus` allows a leading `+`.
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
  startDigits();
  let digits = 0;
  for (; p < end && isDigit(load<u8>(p)); p++, digits++) integerDigit(load<u8>(p) - 0x30);
  const hasInteger = digits > 0;
  if (p < end && load<u8>(p) == 0x2e) {
    for (p++; p < end && isDigit(load<u8>(p)); p++, digits++) fractionDigit(load<u8>(p) - 0x30);
  }
  if (digits == 0) return refuse();
  if (p == end) return scaled(0, negative);
  if (!hasInteger || (load<u8>(p) | 0x20) != 0x65) return refuse();
  const exponent = readExponent(p, end);
  return converted ? scaled(exponent, negative) : 0;
}

/** `-?d+` as int64; sets `converted`. */
export function integerText(p: usize, end: usize): i64 {
  converted = false;
  const negative = p < end && load<u8>(p) == 0x2d;
  if (negative) p++;
  if (p >= end) return 0;
  while (p + 1 < end && load<u8>(p) == 0x30) p++;
  if (end - p > 19) return 0;
  let value: u64 = 0;
  for (; p < end; p++) {
    const digit: u32 = load<u8>(p) - 0x30;
    if (digit > 9) return 0;
    value = value * 10 + digit;
  }
  converted = value <= <u64>i64.MAX_VALUE + u64(negative);
  return negative ? -(<i64>value) : <i64>value;
}
