/** Timestamps: ISO 8601 text, or an integer of a unit of time → microseconds since the epoch, UTC. */
import { converted, digitMask } from './decimal';
import { integerText } from './integer';

/** Whether the last conversion succeeded. */
export let timestampConverted: bool = false;

/** The range of ECMAScript's and BSON tools' dates. */
export const MAX_MILLISECONDS: i64 = 8640000000000000;
const MICROSECONDS: i64 = 1000000;
export const DAY: i64 = 86400 * MICROSECONDS;

/** Microseconds of a millisecond. */
export const MILLISECOND: i64 = 1000;

/** An integer of units since the epoch. @param unit in microseconds; 0 is a nanosecond */
export function epochText(p: usize, end: usize, unit: i64): i64 {
  const units = integerText(p, end);
  timestampConverted = converted;
  // Digits past microseconds are cut as in text: the result is never later than the value.
  if (unit == 0) return units / 1000 - i64(units % 1000 < 0);
  const limit = unit == MILLISECOND ? MAX_MILLISECONDS : (MAX_MILLISECONDS * MILLISECOND) / unit;
  timestampConverted = converted && units >= -limit && units <= limit;
  return units * unit;
}

/** `count` digits at `p`, or -1. */
@inline
function digits(p: usize, count: usize): i32 {
  let value: i32 = 0;
  for (let i: usize = 0; i < count; i++) {
    const digit: u32 = load<u8>(p + i) - 0x30;
    if (digit > 9) return -1;
    value = value * 10 + <i32>digit;
  }
  return value;
}

/** Days since the epoch of a proleptic Gregorian date, by eras of 400 years that start in March. */
function daysSinceEpoch(year: i32, month: i32, day: i32): i64 {
  const y = year - i32(month <= 2);
  const era = (y >= 0 ? y : y - 399) / 400;
  const yearOfEra = y - era * 400;
  const dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
  return <i64>(era * 146097 + dayOfEra - 719468);
}

function daysInMonth(year: i32, month: i32): i32 {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return 30 + ((month + (month >> 3)) & 1);
}

/** The date that was read last, which mostly is the next one's as well: its text, and its start in microseconds. */
let dateHead: u64 = 0;
let dateTail: u16 = 0;
let dateStart: i64 = 0;

/** `THH:MM:SS.mmmZ` or `THH:MM:SSZ` after a date, in microseconds; -1 for any other time. */
@inline
function shortTime(p: usize, end: usize): i64 {
  const text = v128.load(p);
  const digits = digitMask(text);
  const marks: u32 = i8x16.bitmask(
    i8x16.eq(text, i8x16(0x54, 0, 0, 0x3a, 0, 0, 0x3a, 0, 0, 0x2e, 0, 0, 0, 0x5a, 0, 0)),
  );
  let values = i8x16.sub(text, i8x16.splat(0x30));
  // Bit per byte: Tdd:dd:dd.dddZ.
  if (end - p == 14) {
    if ((digits & 0x3fff) != 0x1db6 || (marks & 0x3fff) != 0x2249) return -1;
  } else {
    if (end - p != 10 || (digits & 0x3ff) != 0x1b6 || (marks & 0x1ff) != 0x49 || load<u8>(p, 9) != 0x5a) return -1;
    // No milliseconds.
    values = v128.and(values, i8x16(-1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0));
  }
  // Pairs: hours, minutes, seconds, hundreds of milliseconds, what is left of them.
  const digitPairs = i8x16.shuffle(values, i64x2.splat(0), 1, 2, 4, 5, 7, 8, 16, 10, 11, 12, 16, 16, 16, 16, 16, 16);
  const high = i16x8.mul(v128.and(digitPairs, i16x8.splat(0xff)), i16x8.splat(10));
  const pairs = i16x8.add(high, i16x8.shr_u(digitPairs, 8));
  if (v128.any_true(i16x8.gt_s(pairs, i16x8(23, 59, 59, 99, 99, 99, 99, 99)))) return -1;
  const sums = i32x4.dot_i16x8_s(pairs, i16x8(60, 1, 1000, 100, 1, 0, 0, 0));
  const milliseconds = i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2);
  return (<i64>i32x4.extract_lane(sums, 0) * 60000 + <i64>milliseconds) * 1000;
}

/** Nothing that `shortTimestamp` reads has this value. */
export const NOT_SHORT_TIME: i64 = i64.MIN_VALUE;

/** The timestamp at `p` if it has the date that was read last and a short time; else NOT_SHORT_TIME. */
@inline
export function shortTimestamp(p: usize, end: usize): i64 {
  const time = shortTime(p + 10, end);
  const isKnown = u32(load<u64>(p) == dateHead) & u32(load<u16>(p, 8) == dateTail) & u32(time >= 0);
  return isKnown ? dateStart + time : NOT_SHORT_TIME;
}

/** `YYYY-MM-DD[(T| )HH:MM[:SS[.d{1,9}]][Z|±HH|±HH:MM|±HHMM]]`; without a zone it is UTC. */
export function timestampText(p: usize, end: usize): i64 {
  timestampConverted = false;
  if (end - p > 10) {
    const time = shortTime(p + 10, end);
    if (time >= 0) {
      const head = load<u64>(p);
      const tail = load<u16>(p, 8);
      if (head != dateHead || tail != dateTail) {
        dateStart = dateText(p, p + 10);
        dateHead = timestampConverted ? head : 0;
        dateTail = tail;
      }
      timestampConverted = dateHead != 0;
      return dateStart + time;
    }
  }
  return dateText(p, end);
}

/** The same in any of its forms. */
function dateText(p: usize, end: usize): i64 {
  timestampConverted = false;
  if (end - p < 10 || load<u8>(p, 4) != 0x2d || load<u8>(p, 7) != 0x2d) return 0;
  const year = digits(p, 4);
  const month = digits(p + 5, 2);
  const day = digits(p + 8, 2);
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return 0;
  const seconds = daysSinceEpoch(year, month, day) * 86400;
  if (end - p == 10) {
    timestampConverted = true;
    return seconds * MICROSECONDS;
  }
  const c: u32 = load<u8>(p, 10);
  if ((c != 0x54 && c != 0x20) || end - p < 16) return 0;
  return timeText(p + 11, end, seconds);
}

/** The time of day at `p`, added to the seconds of its day. */
function timeText(p: usize, end: usize, daySeconds: i64): i64 {
  const hour = digits(p, 2);
  const minute = digits(p + 3, 2);
  if (hour < 0 || hour > 23 || load<u8>(p, 2) != 0x3a || minute < 0 || minute > 59) return 0;
  let seconds = daySeconds + <i64>(hour * 3600 + minute * 60);
  let microseconds: i64 = 0;
  p += 5;
  if (p < end && load<u8>(p) == 0x3a) {
    if (end - p < 3) return 0;
    const second = digits(p + 1, 2);
    if (second < 0 || second > 59) return 0;
    seconds += second;
    p += 3;
    if (p < end && load<u8>(p) == 0x2e) {
      const first = ++p;
      let unit: i64 = 100000;
      for (; p < end && <u32>load<u8>(p) - 0x30 < 10; p++) {
        microseconds += <i64>(<u32>load<u8>(p) - 0x30) * unit;
        unit /= 10;
      }
      if (p == first || p - first > 9) return 0;
    }
  }
  if (p < end) {
    const offset = zoneOffset(p, end);
    if (!timestampConverted) return 0;
    seconds -= offset;
  }
  timestampConverted = true;
  return seconds * MICROSECONDS + microseconds;
}

/** Seconds that the zone at `p` is ahead of UTC; sets `timestampConverted`. */
function zoneOffset(p: usize, end: usize): i64 {
  const c: u32 = load<u8>(p);
  const length = end - p;
  if (c == 0x5a) {
    timestampConverted = length == 1;
    return 0;
  }
  if ((c != 0x2b && c != 0x2d) || (length != 6 && length != 5 && length != 3)) return 0;
  if (length == 6 && load<u8>(p, 3) != 0x3a) return 0;
  const hours = digits(p + 1, 2);
  const minutes = length == 3 ? 0 : digits(end - 2, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return 0;
  timestampConverted = true;
  const seconds = <i64>(hours * 3600 + minutes * 60);
  return c == 0x2b ? seconds : -seconds;
}
