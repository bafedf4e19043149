/** Numbers as connectors of databases send them: an integer in two's complement, big-endian bytes in base64. */
import { integerDigit, MAX_SCALED, readAs, refuse, scaled, SCALE, shiftDigits, startDigits } from './decimal';

/** 10^19 is the highest power of ten in 64 bits; what 127 bits have above it fits in 64 as well. */
const HALF: u64 = 10000000000000000000;
const MAX_CHARACTERS: usize = 24;
const MAX_BITS: usize = 128;

/** The number in 128 bits. */
export let high: u64 = 0;
export let low: u64 = 0;

/** 0 to 63, or more for what is no digit of base64. */
export function sextet(c: u32): u32 {
  if (c - 0x41 < 26) return c - 0x41;
  if (c - 0x61 < 26) return c - 0x61 + 26;
  if (c - 0x30 < 10) return c - 0x30 + 52;
  return c == 0x2b ? 62 : c == 0x2f ? 63 : 64;
}

/** Reads the bytes of `p` up to `end`, in the one way that base64 has for them. @returns whether they are 1 to 16 */
export function base64Integer(p: usize, end: usize): bool {
  const length = end - p;
  if (length == 0 || length > MAX_CHARACTERS || (length & 3) != 0) return false;
  if (load<u8>(end - 1) == 0x3d) end--;
  if (load<u8>(end - 1) == 0x3d) end--;
  const bits = (end - p) * 6;
  // Of the last digit, bits that are of no byte are 0.
  const spare = <u64>(bits & 7);
  if (bits - (bits & 7) > MAX_BITS) return false;
  high = 0 - u64(sextet(load<u8>(p)) >> 5 == 1);
  low = high;
  for (; p < end; p++) {
    const digit = <u64>sextet(load<u8>(p));
    if (digit > 63) return false;
    const unused = p + 1 == end ? spare : 0;
    if ((digit & ((<u64>1 << unused) - 1)) != 0) return false;
    const width = 6 - unused;
    high = (high << width) | (low >> (64 - width));
    low = (low << width) | (digit >> unused);
  }
  return true;
}

/** An amount scaled by 10^4 of the text at `p`; sets `converted` and `exact`. @param scale decimals of the integer */
export function base64Amount(p: usize, end: usize, scale: i64): i64 {
  if (!base64Integer(p, end)) return refuse();
  const negative = <i64>high < 0;
  if (negative) {
    high = ~high + u64(low == 0);
    low = 0 - low;
  }
  if (high == 0 && scale <= SCALE) {
    let factor: u64 = 1;
    for (let i = scale; i < SCALE; i++) factor *= 10;
    if (low > MAX_SCALED / factor) return refuse();
    return readAs(negative ? -<i64>(low * factor) : <i64>(low * factor));
  }
  startDigits();
  const upper = divideByHalf();
  digitsOf(upper, HALF);
  digitsOf(low, HALF / 10);
  shiftDigits(-scale);
  return scaled(negative);
}

/** Divides the number by 10^19, bit by bit, and leaves the rest in `low`. @returns the quotient */
function divideByHalf(): u64 {
  let quotient: u64 = 0;
  let rest: u64 = 0;
  for (let i = 0; i < 128; i++) {
    const carry = rest >> 63;
    rest = (rest << 1) | (high >> 63);
    high = (high << 1) | (low >> 63);
    low <<= 1;
    quotient <<= 1;
    if (carry | u64(rest >= HALF)) {
      rest -= HALF;
      quotient |= 1;
    }
  }
  low = rest;
  return quotient;
}

/** @param unit power of ten of the first digit */
function digitsOf(value: u64, unit: u64): void {
  for (; unit; unit /= 10) integerDigit(<u32>((value / unit) % 10));
}
