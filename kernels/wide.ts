/** Text → decimals of up to 38 digits, scaled to an integer in 128 bits: exactly, or not at all. */
import { base64Integer, high as base64High, low as base64Low } from './base64';
import { exponent, readAs, readExponent, refuse, startDigits } from './decimal';

/** Digits of which all fit in 128 bits. */
const MAX_DIGITS: i64 = 38;

/** The decimal that was read last, in two's complement. */
export let high: u64 = 0;
export let low: u64 = 0;

/** 10^precision of the column at hand. */
let limitHigh: u64 = 0;
let limitLow: u64 = 0;

/** All decimals that are read next have at most so many digits. */
export function setPrecision(precision: u32): void {
  high = 0;
  low = 1;
  for (; precision; precision--) addDigit(0);
  limitHigh = high;
  limitLow = low;
}

@inline
function addDigit(digit: u64): void {
  const lower = (low & 0xffffffff) * 10 + digit;
  const upper = (low >> 32) * 10 + (lower >> 32);
  low = (upper << 32) | (lower & 0xffffffff);
  high = high * 10 + (upper >> 32);
}

/**
 * `[-]d+[.d*][e±d+]` or `[-].d+`; sets `high`, `low` and `converted`.
 * @param scale the power of ten that it is multiplied by
 */
export function wideText(p: usize, end: usize, plus: bool, scale: i64): void {
  const sign: u32 = p < end ? load<u8>(p) : 0;
  if (sign == 0x2d || (plus && sign == 0x2b)) p++;
  if (!readDigits(p, end, scale)) {
    refuse();
    return;
  }
  finish(sign == 0x2d);
}

/** Reads the number without its sign. @returns whether it is one that is an integer of at most 38 digits */
function readDigits(p: usize, end: usize, power: i64): bool {
  const first = p;
  let isFraction = false;
  let hasInteger = false;
  let count: i64 = 0;
  let zeros: i64 = 0;
  high = 0;
  low = 0;
  for (; p < end; p++) {
    const digit = <u32>load<u8>(p) - 0x30;
    if (digit > 9) {
      if (digit != 0xfffffffe || isFraction) break;
      isFraction = true;
      continue;
    }
    if (isFraction) power--;
    else hasInteger = true;
    if (digit == 0) {
      zeros += i64(count != 0);
      continue;
    }
    // Only zeros that are not at the end are digits.
    count += zeros + 1;
    if (count > MAX_DIGITS) return false;
    for (; zeros; zeros--) addDigit(0);
    addDigit(digit);
  }
  // A point alone is no number.
  if (!hasInteger && p < first + 2) return false;
  if (p < end) {
    startDigits();
    if (!hasInteger || (load<u8>(p) | 0x20) != 0x65 || !readExponent(p, end)) return false;
    power += exponent;
  }
  power += zeros;
  if (count == 0) return true;
  if (power < 0 || count + power > MAX_DIGITS) return false;
  for (; power; power--) addDigit(0);
  return true;
}

/** The bytes of an integer in base64; sets `high`, `low` and `converted`. */
export function wideBase64(p: usize, end: usize): void {
  if (!base64Integer(p, end)) {
    refuse();
    return;
  }
  const negative = <i64>base64High < 0;
  high = negative ? ~base64High + u64(base64Low == 0) : base64High;
  low = negative ? 0 - base64Low : base64Low;
  finish(negative);
}

/** Takes the digits if they are not too many. */
function finish(negative: bool): void {
  if (high > limitHigh || (high == limitHigh && low >= limitLow)) {
    refuse();
    return;
  }
  readAs(0);
  if (!negative) return;
  low = 0 - low;
  high = ~high + u64(low == 0);
}
