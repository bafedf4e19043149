/**
 * Values of a result: in the raw form in which they cross the query socket, and as people read them.
 *
 * The raw form is JSON that keeps every bit: numbers of up to 32 bits and doubles are numbers, wider ones decimal text,
 * a decimal is its unscaled integer, dates and times count their unit, bytes are in base64.
 */
import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBGeometryValue,
  DuckDBIntervalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimeNSValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  DuckDBTypeId,
  DuckDBUnionValue,
  type DuckDBValue,
  DuckDBVariantValue,
  type Json,
  JsonDuckDBValueConverter,
  VARIANT,
} from '@duckdb/node-api';
import { timestampText } from './time-zone.js';

/** A DuckDB type in the JSON form that its client library gives it; what is optional is of nested types. */
export interface ValueType {
  readonly typeId: DuckDBTypeId;
  /** Of a decimal. */
  readonly width?: number;
  readonly scale?: number;
  /** Of a list, an array or a map. */
  readonly valueType?: ValueType;
  readonly keyType?: ValueType;
  /** Of an array. */
  readonly length?: number;
  /** Of a struct. */
  readonly entryNames?: readonly string[];
  readonly entryTypes?: readonly ValueType[];
  /** Of a union. */
  readonly memberTags?: readonly string[];
  readonly memberTypes?: readonly ValueType[];
}

export type RawValue = null | boolean | number | string | readonly RawValue[];

/** The raw form of a value: a struct is an array of its values, a map one of pairs, a union a pair of tag and value. */
export function rawValue(value: DuckDBValue): RawValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'bigint') return String(value);
  // JSON has no NaN, no infinity and no -0.
  if (typeof value === 'number') {
    if (Object.is(value, -0)) return '-0';
    return Number.isFinite(value) ? value : String(value);
  }
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(rawValue);
  if (value instanceof DuckDBStructValue) return Object.values(value.entries).map(rawValue);
  if (value instanceof DuckDBMapValue) return value.entries.map(({ key, value }) => [rawValue(key), rawValue(value)]);
  if (value instanceof DuckDBUnionValue) return [value.tag, rawValue(value.value)];
  if (value instanceof DuckDBDecimalValue) return String(value.value);
  if (value instanceof DuckDBBlobValue || value instanceof DuckDBGeometryValue) {
    return Buffer.from(value.bytes).toString('base64');
  }
  if (value instanceof DuckDBIntervalValue) return [value.months, value.days, String(value.micros)];
  if (value instanceof DuckDBVariantValue) {
    return JSON.stringify(JsonDuckDBValueConverter(value, VARIANT, JsonDuckDBValueConverter));
  }
  return rawTime(value) ?? String(value);
}

function rawTime(value: DuckDBValue): RawValue | undefined {
  if (value instanceof DuckDBDateValue) return value.days;
  if (value instanceof DuckDBTimeValue || value instanceof DuckDBTimestampValue) return String(value.micros);
  if (value instanceof DuckDBTimestampTZValue) return String(value.micros);
  if (value instanceof DuckDBTimeNSValue || value instanceof DuckDBTimestampNanosecondsValue) {
    return String(value.nanos);
  }
  if (value instanceof DuckDBTimestampSecondsValue) return String(value.seconds);
  if (value instanceof DuckDBTimestampMillisecondsValue) return String(value.millis);
  return undefined;
}

/** How values are shown. */
export interface Display {
  /** Times with a zone are shown in this one: a name of the IANA's data base. */
  readonly timeZone: string;
  /** A wide integer or a decimal is a number if a double prints as the same value, and not always text. */
  readonly wideNumbers: boolean;
}

/** A value as people read it: text as DuckDB prints it, numbers, and arrays and objects of them. */
export function shownValue(type: ValueType, raw: RawValue, display: Display): Json {
  if (raw === null) return null;
  const parts = () => raw as readonly RawValue[];
  const shown = (part: ValueType | undefined, value: RawValue) => shownValue(part as ValueType, value, display);
  switch (type.typeId) {
    case DuckDBTypeId.LIST:
    case DuckDBTypeId.ARRAY:
      return parts().map((value) => shown(type.valueType, value));
    case DuckDBTypeId.STRUCT:
      return Object.fromEntries(
        parts().map((value, index) => [type.entryNames?.[index] ?? '', shown(type.entryTypes?.[index], value)]),
      );
    case DuckDBTypeId.MAP:
      return parts().map((entry) => {
        const [key, value] = entry as readonly RawValue[];
        return { key: shown(type.keyType, key), value: shown(type.valueType, value) };
      });
    case DuckDBTypeId.UNION: {
      const [tag, value] = parts();
      return { tag: String(tag), value: shown(type.memberTypes?.[type.memberTags?.indexOf(String(tag)) ?? -1], value) };
    }
    case DuckDBTypeId.INTERVAL: {
      const [months, days, micros] = parts();
      return { months: Number(months), days: Number(days), micros: String(micros) };
    }
    case DuckDBTypeId.VARIANT:
      return JSON.parse(String(raw)) as Json;
    default:
      return shownScalar(type, raw as string | number | boolean, display);
  }
}

function shownScalar(type: ValueType, raw: string | number | boolean, display: Display): Json {
  switch (type.typeId) {
    case DuckDBTypeId.DECIMAL: {
      const text = new DuckDBDecimalValue(BigInt(raw), type.width ?? 0, type.scale ?? 0).toString();
      return display.wideNumbers ? numberIfSame(text) : text;
    }
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.UBIGINT:
    case DuckDBTypeId.HUGEINT:
    case DuckDBTypeId.UHUGEINT:
    case DuckDBTypeId.BIGNUM:
      return display.wideNumbers ? numberIfSame(String(raw)) : raw;
    case DuckDBTypeId.BLOB:
    case DuckDBTypeId.GEOMETRY:
      return new DuckDBBlobValue(Buffer.from(String(raw), 'base64')).toString();
    case DuckDBTypeId.DATE:
      return Math.abs(Number(raw)) === INFINITE_DAYS
        ? infinity(Number(raw))
        : new DuckDBDateValue(Number(raw)).toString();
    case DuckDBTypeId.FLOAT:
      return typeof raw === 'number' ? shortest(raw) : raw;
    case DuckDBTypeId.TIME:
      return new DuckDBTimeValue(BigInt(raw)).toString();
    case DuckDBTypeId.TIME_NS:
      return new DuckDBTimeNSValue(BigInt(raw)).toString();
    case DuckDBTypeId.TIMESTAMP:
      return new DuckDBTimestampValue(BigInt(raw)).toString();
    case DuckDBTypeId.TIMESTAMP_S:
      return new DuckDBTimestampSecondsValue(BigInt(raw)).toString();
    case DuckDBTypeId.TIMESTAMP_MS:
      return new DuckDBTimestampMillisecondsValue(BigInt(raw)).toString();
    case DuckDBTypeId.TIMESTAMP_NS:
      return new DuckDBTimestampNanosecondsValue(BigInt(raw)).toString();
    case DuckDBTypeId.TIMESTAMP_TZ:
      return timestampText(BigInt(raw), display.timeZone);
    default:
      return raw;
  }
}

/** Of `DATE 'infinity'`, which DuckDB's client library takes for a day. */
const INFINITE_DAYS = 2 ** 31 - 1;
const infinity = (sign: number) => (sign < 0 ? '-infinity' : 'infinity');
/** Each float has one of so many digits. */
const FLOAT_DIGITS = 9;

/** @returns the number with the fewest digits that is this float: 1.1 and not 1.10000002384 */
function shortest(float: number): number {
  for (let digits = 1; digits < FLOAT_DIGITS; digits++) {
    const number = Number(float.toPrecision(digits));
    if (Math.fround(number) === float) return number;
  }
  return float;
}

/** A double that prints the same value is read as that value by everyone; one that does not would change it. */
function numberIfSame(text: string): Json {
  const number = Number(text);
  const digits = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return String(number) === digits ? number : text;
}
