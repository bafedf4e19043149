/** Text → 64-bit integers. */
import { converted, digitMask, digitsValue, isDigit, readAs, refuse, wholeText } from './decimal';

/** A number with an integral value, however it is written: `42`, `104.0`, `1e3`; sets `converted`. */
@inline
export function integerValue(p: usize, end: usize): i64 {
  const value = integerText(p, end);
  return converted ? value : wholeText(p, end);
}

/** Whether the text is `-?d+`. */
export function isInteger(p: usize, end: usize): bool {
  if (p < end && load<u8>(p) == 0x2d) p++;
  const first = p;
  while (p < end && isDigit(load<u8>(p))) p++;
  return p == end && p > first;
}

/** `-?d+` as int64; sets `converted`. */
export function integerText(p: usize, end: usize): i64 {
  const negative = p < end && load<u8>(p) == 0x2d;
  if (negative) p++;
  if (p >= end) return refuse();
  const length = <u32>(end - p);
  if (length <= 16) {
    const text = v128.load(p);
    if ((~digitMask(text) & ((1 << length) - 1)) != 0) return refuse();
    // Moved to the right, so that the last digit is the last byte; what comes from outside is 0.
    const lane = i8x16.add(i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), i8x16.splat(<i8>length - 16));
    const value = <i64>digitsValue(i8x16.swizzle(i8x16.sub(text, i8x16.splat(0x30)), lane));
    return readAs(negative ? -value : value);
  }
  while (p + 1 < end && load<u8>(p) == 0x30) p++;
  if (end - p > 19) return refuse();
  let value: u64 = 0;
  for (; p < end; p++) {
    const digit: u32 = load<u8>(p) - 0x30;
    if (digit > 9) return refuse();
    value = value * 10 + digit;
  }
  if (value > <u64>i64.MAX_VALUE + u64(negative)) return refuse();
  return readAs(negative ? -(<i64>value) : <i64>value);
}
