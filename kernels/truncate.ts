/** Numbers and times of which a mask leaves the start: in place, before derived columns are made of them. */
import { COLUMN, COLUMN_MASK, COLUMN_MASKS, OPERATION, PERIOD } from './abi';
import { dataOf, rows } from './block';
import { DAY } from './timestamp';

const HOUR: i64 = 3_600_000_000;

/** Truncates the block's rows of a column, if its spec column says so. */
export function truncateColumn(column: usize, slotIndex: u32): void {
  const mask = COLUMN_MASKS + <usize>slotIndex * COLUMN_MASK.size;
  const period = load<u32>(mask, COLUMN_MASK.period);
  const multiple = load<i64>(mask, COLUMN_MASK.multiple);
  const operation = load<u32>(column, COLUMN.operation);
  if (multiple && operation == OPERATION.AMOUNT) truncateNumbers(dataOf(column, 16), 16, multiple);
  else if (multiple && operation == OPERATION.INT64) truncateNumbers(dataOf(column, 8), 8, multiple);
  else if (period && operation == OPERATION.TIMESTAMP) truncateTimes(dataOf(column, 8), period);
  else if (period && operation == OPERATION.DATE) truncateDates(dataOf(column, 4), period);
}

/** Towards zero. */
function truncateNumbers(data: usize, size: usize, multiple: i64): void {
  for (let i: usize = 0; i < rows; i++) {
    const at = data + i * size;
    const value = load<i64>(at);
    const truncated = value - (value % multiple);
    store<i64>(at, truncated);
    if (size == 16) store<i64>(at, truncated >> 63, 8);
  }
}

function truncateTimes(data: usize, period: u32): void {
  for (let i: usize = 0; i < rows; i++) {
    const at = data + (i << 3);
    const time = load<i64>(at);
    if (period == PERIOD.HOUR) store<i64>(at, floored(time, HOUR) * HOUR);
    else store<i64>(at, startOf(floored(time, DAY), period) * DAY);
  }
}

function truncateDates(data: usize, period: u32): void {
  for (let i: usize = 0; i < rows; i++) {
    const at = data + (i << 2);
    store<i32>(at, <i32>startOf(load<i32>(at), period));
  }
}

@inline
function floored(value: i64, unit: i64): i64 {
  return value / unit - i64(value % unit < 0);
}

/**
 * The first day of the period that a day is in, both counted from the epoch. Years are counted from March on, so that
 * the day that not all have is their last (https://howardhinnant.github.io/date_algorithms.html).
 */
function startOf(day: i64, period: u32): i64 {
  if (period == PERIOD.DAY) return day;
  const since = day + 719_468;
  const inEra = since - floored(since, 146_097) * 146_097;
  const year = (inEra - inEra / 1460 + inEra / 36_524 - inEra / 146_096) / 365;
  const inYear = inEra - (365 * year + year / 4 - year / 100);
  const month = (5 * inYear + 2) / 153;
  if (period == PERIOD.MONTH) return day - (inYear - (153 * month + 2) / 5);
  // January and February are the last months of the year before.
  if (month >= 10) return day - (inYear - 306);
  const isLeap = (year % 4 == 0 && year % 100 != 0) || year == 0;
  return day - inYear - 59 - i64(isLeap);
}
