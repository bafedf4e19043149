/** Values of JSON fields → numbers and times, with regular expressions and big integers instead of a state machine. */

import type { TimeUnit } from '../../src/schema/spec.js';

/** What is in a field: as JSON.parse gives it, and as it is written. */
export interface FieldValue {
  readonly parsed: unknown;
  readonly source: string;
}

const SPACE = '[ \u00a0\u202f]';
const CURRENCY = '(?:[$€£¥₹]|[A-Z]{3})';
const SIGN = '[-+\u2212]';
const PLAIN = '(?:\\d+(?:\\.\\d*)?(?:[eE][-+]?\\d+)?|\\.\\d+)';
const GROUPED = [
  '\\d{1,3}(?:,\\d{3})+(?:\\.\\d+)?',
  '\\d{1,3}(?:\\.\\d{3})+,\\d+',
  '\\d{1,3}(?:\\.\\d{3}){2,}',
  '\\d+,\\d{1,2}',
  ...["'", '\u2019', ' ', '\u00a0', '\u202f'].map((separator) => `\\d{1,3}(?:${separator}\\d{3})+(?:[.,]\\d+)?`),
];
const DIGITS = `(?:${[PLAIN, ...GROUPED].join('|')})`;
const UNSIGNED = `(?:(?:${CURRENCY}${SPACE}?)?(${DIGITS})|(${DIGITS})${SPACE}?${CURRENCY})`;
const SIGNED = [
  `(${SIGN})?(?:${CURRENCY}${SPACE}?)?(${DIGITS})`,
  `${CURRENCY}${SPACE}?(${SIGN})(${DIGITS})`,
  `(${SIGN})?(${DIGITS})${SPACE}?${CURRENCY}`,
].map((form) => new RegExp(`^${SPACE}*${form}${SPACE}*$`));
const PARENTHESES = new RegExp(`^${SPACE}*\\(${UNSIGNED}\\)${SPACE}*$`);
export const PLAIN_ONLY = new RegExp(`^([-+])?(${PLAIN})$`);
const ALL_PLAIN = new RegExp(`^${PLAIN}$`);

const MAX_SCALED = 10n ** 18n;
const INTEGER = /^-?\d+$/;
export const EXTENDED_NUMBERS = ['$numberDecimal', '$numberDouble', '$numberInt', '$numberLong'];
const MAX_MICROSECONDS = 8_640_000_000_000_000_000n;
const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;

/** DECIMAL(18,4) scaled by 10^4, and whether that is the very amount. */
export interface ReferenceAmount {
  readonly scaled: bigint;
  readonly exact: boolean;
}

/** undefined if the value is not an amount that fits. */
export function referenceAmount({ parsed, source }: FieldValue): ReferenceAmount | undefined {
  if (typeof parsed === 'number') return plainAmount(source);
  if (typeof parsed === 'string') return textAmount(parsed);
  const extended = soleMember(parsed, source, EXTENDED_NUMBERS);
  if (typeof extended?.parsed === 'string') return plainAmount(extended.parsed);
  return typeof extended?.parsed === 'number' ? plainAmount(extended.source) : undefined;
}

/** The same where texts are the bytes of an integer in base64, of which the last `scale` digits are decimals. */
export function referenceBytesAmount(field: FieldValue, scale: number): ReferenceAmount | undefined {
  const { parsed: text } = field;
  if (typeof text !== 'string') return referenceAmount(field);
  const integer = integerInBase64(text);
  return integer === undefined ? undefined : plainAmount(`${integer}e-${scale}`);
}

export function integerInBase64(text: string): bigint | undefined {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text || bytes.length === 0 || bytes.length > 16) return undefined;
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
}

function plainAmount(text: string): ReferenceAmount | undefined {
  const match = PLAIN_ONLY.exec(text);
  return match ? scaled(match[1] === '-', match[2]) : undefined;
}

function textAmount(text: string): ReferenceAmount | undefined {
  const inside = PARENTHESES.exec(text);
  if (inside) return scaled(true, inside[1] ?? inside[2]);
  for (const form of SIGNED) {
    const match = form.exec(text);
    if (match) return scaled(match[1] === '-' || match[1] === '\u2212', match[2]);
  }
  return undefined;
}

/** Digits in one of the documented forms, scaled and rounded half away from zero. */
function scaled(negative: boolean, digits: string): ReferenceAmount | undefined {
  const value = roundedTo4(ALL_PLAIN.test(digits) ? digits : ungrouped(digits));
  if (value === undefined || value.scaled >= MAX_SCALED) return undefined;
  return negative ? { ...value, scaled: -value.scaled } : value;
}

/** Grouped digits as plain ones. */
function ungrouped(digits: string): string {
  const separators = digits.replace(/\d/g, '');
  const last = separators[separators.length - 1];
  const isDecimal =
    separators.length > 1 ? separators.indexOf(last) === separators.length - 1 : /^\d+,\d{1,2}$/.test(digits);
  if (!isDecimal) return digits.replace(/\D/g, '');
  const [, whole, fraction] = /^(.*)\D(\d+)$/s.exec(digits)!;
  return `${whole.replace(/\D/g, '')}.${fraction}`;
}

/** The digits that are not 0 at either end, and the power of ten that they are multiplied by. */
export function plainParts(plain: string): { significant: string; power: number } {
  const [mantissa, exponent = '0'] = plain.toLowerCase().split('e');
  const [whole, fraction = ''] = mantissa.split('.');
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  // Exponents of thousands of digits are beyond every double, but not beyond its infinity.
  return { significant, power: Number(exponent) - fraction.length + digits.length - significant.length };
}

function roundedTo4(plain: string): ReferenceAmount | undefined {
  const { significant, power } = plainParts(plain);
  const shift = power + 4;
  if (significant === '') return { scaled: 0n, exact: true };
  if (significant.length + shift > 30) return undefined;
  if (significant.length + shift < 0) return { scaled: 0n, exact: false };
  if (shift >= 0) return { scaled: BigInt(significant) * 10n ** BigInt(shift), exact: true };
  const unit = 10n ** BigInt(-shift);
  const value = BigInt(significant);
  return { scaled: value / unit + ((value % unit) * 2n >= unit ? 1n : 0n), exact: false };
}

const TIME =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:Z|([-+])(\d\d)(?::?(\d\d))?)?)?$/;

/** Microseconds of each unit of time, as a fraction. */
const UNITS: Record<TimeUnit, readonly [bigint, bigint]> = {
  d: [86_400_000_000n, 1n],
  s: [1_000_000n, 1n],
  ms: [1000n, 1n],
  us: [1n, 1n],
  ns: [1n, 1000n],
};

/** Microseconds since the epoch; undefined if the value is no time. @param unit of integers */
export function referenceTimestamp({ parsed, source }: FieldValue, unit: TimeUnit = 'ms'): bigint | undefined {
  if (typeof parsed === 'number') return epoch(source, unit);
  if (typeof parsed === 'string') return isoTime(parsed);
  const date = soleMember(parsed, source, ['$date']);
  if (date === undefined) return undefined;
  if (typeof date.parsed !== 'object') return referenceTimestamp(date);
  const long = soleMember(date.parsed, date.source, ['$numberLong']);
  return typeof long?.parsed === 'string' ? epoch(long.parsed, 'ms') : undefined;
}

/** Days since the epoch, UTC, of a time; undefined if the value is none. */
export function referenceDate(field: FieldValue, unit: TimeUnit = 'ms'): number | undefined {
  const time = referenceTimestamp(field, unit);
  return time === undefined ? undefined : Math.floor(Number(time / 1000n - (time % 1000n < 0n ? 1n : 0n)) / 86_400_000);
}

function epoch(text: string, unit: TimeUnit): bigint | undefined {
  if (!INTEGER.test(text)) return undefined;
  const value = BigInt(text);
  const [factor, divisor] = UNITS[unit];
  const past = ((value % divisor) + divisor) % divisor;
  const time = ((value - past) * factor) / divisor;
  const isTime = value >= MIN_INT64 && value <= MAX_INT64 && time >= -MAX_MICROSECONDS && time <= MAX_MICROSECONDS;
  return isTime ? time : undefined;
}

function isoTime(text: string): bigint | undefined {
  const match = TIME.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((digits) => Number(digits ?? 0));
  const [zoneHour, zoneMinute] = match.slice(9, 11).map((digits) => Number(digits ?? 0));
  if (hour > 23 || minute > 59 || second > 59 || zoneHour > 23 || zoneMinute > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // A day that the month does not have has become one of another month.
  if (month < 1 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  date.setUTCHours(hour, minute, second);
  const offset = (match[8] === '-' ? -1 : 1) * (zoneHour * 60 + zoneMinute) * 60_000;
  const microseconds = (match[7] ?? '').padEnd(6, '0').slice(0, 6);
  return BigInt(date.getTime() - offset) * 1000n + BigInt(microseconds);
}

/** An integer that fits 64 bits; undefined if the value is none. */
export function referenceInt64({ parsed, source }: FieldValue): bigint | undefined {
  if (typeof parsed === 'number') return int64(source);
  if (typeof parsed === 'string') return int64(parsed);
  const number = soleMember(parsed, source, EXTENDED_NUMBERS);
  return typeof number?.parsed === 'string' ? int64(number.parsed) : undefined;
}

function int64(text: string): bigint | undefined {
  const [, sign, plain] = PLAIN_ONLY.exec(text) ?? [];
  if (plain === undefined || sign === '+') return undefined;
  const { significant, power } = plainParts(plain);
  if (significant === '') return 0n;
  if (power < 0 || significant.length + power > 19) return undefined;
  const value = BigInt(significant) * 10n ** BigInt(power) * (sign === '-' ? -1n : 1n);
  return value >= MIN_INT64 && value <= MAX_INT64 ? value : undefined;
}

/** The text of a value that is no string, in a column of kind text; undefined if it has none. */
export function referenceText({ parsed, source }: FieldValue, isId: boolean): string | undefined {
  const objectId = soleMember(parsed, source, ['$oid'])?.parsed;
  if (typeof objectId === 'string') return /^[0-9a-fA-F]{24}$/.test(objectId) ? objectId : undefined;
  if (!isId) return undefined;
  const long = soleMember(parsed, source, ['$numberLong', '$numberInt'])?.parsed;
  const text = typeof parsed === 'number' ? source : typeof long === 'string' ? long : '';
  return INTEGER.test(text) ? text : undefined;
}

/** The value of an object that has one key, which is one of `keys`; if the key is repeated, the last one counts. */
export function soleMember(parsed: unknown, source: string, keys: readonly string[]): FieldValue | undefined {
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  const [[key, value] = [], ...others] = Object.entries(parsed);
  if (key === undefined || others.length > 0 || !keys.includes(key)) return undefined;
  // Of a number the source text counts, which is what follows the last colon.
  return { parsed: value, source: source.slice(source.lastIndexOf(':') + 1, -1).trim() };
}

/** Booleans, and texts of them. */
export const BOOLEANS = [true, false].flatMap((value): [unknown, boolean][] => [
  [value, value],
  [String(value), value],
]);

/** Decimal text scaled by 10^4. */
export function decimal4(text: string): bigint {
  const [whole, fraction = ''] = text.split('.');
  return BigInt(`${whole}${fraction.padEnd(4, '0')}`);
}
