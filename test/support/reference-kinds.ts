/** What columns of the kinds other than text and amounts hold of a field; bytes are hex digits. */
import type { SpecColumn } from '../../src/schema/spec.js';
import type { ReferenceValue } from './reference.js';
import {
  BOOLEANS,
  EXTENDED_NUMBERS,
  type FieldValue,
  integerInBase64,
  PLAIN_ONLY,
  plainParts,
  referenceDate,
  referenceInt64,
  referenceTimestamp,
  soleMember,
} from './reference-values.js';

/** undefined if the value is not of the column's kind. */
export function typedValue(
  { kind, unit, encoding, precision, scale }: SpecColumn,
  field: FieldValue,
): ReferenceValue | undefined {
  switch (kind) {
    case 'timestamp':
      return referenceTimestamp(field, unit);
    case 'date':
      return referenceDate(field, unit);
    case 'int64':
      return referenceInt64(field);
    case 'decimal':
      return decimal(field, precision!, scale!, encoding !== undefined);
    case 'double':
      return anyDouble(field);
    case 'uuid':
      return uuid(field);
    case 'binary':
      return binary(field);
    case 'bool':
      return new Map<unknown, boolean>(BOOLEANS).get(field.parsed);
    case 'text':
    case 'amount':
      throw new Error(`${kind} is read apart`);
    case 'json':
      return field.source;
  }
}

/** A decimal scaled by 10^scale; undefined if the value is none of so many digits, or has more decimals. */
function decimal(
  { parsed, source }: FieldValue,
  precision: number,
  scale: number,
  isBase64: boolean,
): bigint | undefined {
  const extended = soleMember(parsed, source, EXTENDED_NUMBERS);
  let scaled: bigint | undefined;
  if (typeof parsed === 'number') scaled = exactDecimal(source, scale);
  else if (typeof parsed === 'string') scaled = isBase64 ? integerInBase64(parsed) : exactDecimal(parsed, scale);
  else if (typeof extended?.parsed === 'string') scaled = exactDecimal(extended.parsed, scale);
  else if (typeof extended?.parsed === 'number') scaled = exactDecimal(extended.source, scale);
  if (scaled === undefined) return undefined;
  const limit = 10n ** BigInt(precision);
  return scaled < limit && scaled > -limit ? scaled : undefined;
}

/** undefined if it is no integer of at most 38 digits. */
function exactDecimal(text: string, scale: number): bigint | undefined {
  const [, sign, plain] = PLAIN_ONLY.exec(text) ?? [];
  if (plain === undefined) return undefined;
  const { significant, power } = plainParts(plain);
  if (significant === '') return 0n;
  if (power + scale < 0 || significant.length + power + scale > 38) return undefined;
  return BigInt(significant) * 10n ** BigInt(power + scale) * (sign === '-' ? -1n : 1n);
}

/** The hex digits of bytes in base64; undefined if the value has none, or not as they are written. */
function binary({ parsed, source }: FieldValue): string | undefined {
  const text = typeof parsed === 'string' ? parsed : binaryMember(parsed, source)?.base64;
  return text === undefined ? undefined : hexOf(text);
}

function hexOf(base64: string): string | undefined {
  const bytes = Buffer.from(base64, 'base64');
  return bytes.toString('base64') === base64 ? bytes.toString('hex') : undefined;
}

/** The hex digits of a UUID. */
function uuid({ parsed, source }: FieldValue): string | undefined {
  const text = typeof parsed === 'string' ? parsed : soleMember(parsed, source, ['$uuid'])?.parsed;
  if (typeof text === 'string') {
    const isUuid = /^[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}$/i.test(text);
    return isUuid ? text.replaceAll('-', '').toLowerCase() : undefined;
  }
  const { base64, subType } = binaryMember(parsed, source) ?? {};
  const hex = subType !== undefined && Number.parseInt(subType, 16) === 4 ? hexOf(base64!) : undefined;
  return hex?.length === 32 ? hex : undefined;
}

/** Extended JSON of bytes; undefined if it is none. */
function binaryMember(parsed: unknown, source: string): { base64: string; subType: string } | undefined {
  const inner = soleMember(parsed, source, ['$binary'])?.parsed;
  if (typeof inner !== 'object' || inner === null) return undefined;
  const { base64, subType, ...others } = inner as Record<string, unknown>;
  const isBinary = typeof base64 === 'string' && typeof subType === 'string' && Object.keys(others).length === 0;
  return isBinary && /^[0-9a-f]{1,2}$/i.test(subType) ? { base64, subType } : undefined;
}

/** The nearest double that is finite; undefined if the value is none. */
function anyDouble({ parsed, source }: FieldValue): number | undefined {
  if (typeof parsed === 'number') return doubleOf(source);
  if (typeof parsed === 'string') return doubleOf(parsed);
  const number = soleMember(parsed, source, EXTENDED_NUMBERS);
  if (typeof number?.parsed === 'string') return doubleOf(number.parsed);
  return typeof number?.parsed === 'number' ? doubleOf(number.source) : undefined;
}

function doubleOf(text: string): number | undefined {
  const [, sign, plain] = PLAIN_ONLY.exec(text) ?? [];
  const value = plain === undefined || sign === '+' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}
