/** DuckDB's types and values → Arrow's. */
import { DuckDBTypeId } from '@duckdb/node-api';
import {
  Binary,
  Bool,
  type Data,
  type DataType,
  DateDay,
  Decimal,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  IntervalMonthDayNano,
  List,
  Map_,
  makeData,
  Null,
  Struct,
  TimeMicrosecond,
  TimeNanosecond,
  TimestampMicrosecond,
  TimestampMillisecond,
  TimestampNanosecond,
  TimestampSecond,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
} from 'apache-arrow';
import { SluiceError } from '../core/errors.js';
import { type RawValue, shownValue, type ValueType } from '../query/values.js';

const HUGEINT_DIGITS = 38;

const SIMPLE: Partial<Record<DuckDBTypeId, () => DataType>> = {
  [DuckDBTypeId.SQLNULL]: () => new Null(),
  [DuckDBTypeId.BOOLEAN]: () => new Bool(),
  [DuckDBTypeId.TINYINT]: () => new Int8(),
  [DuckDBTypeId.SMALLINT]: () => new Int16(),
  [DuckDBTypeId.INTEGER]: () => new Int32(),
  [DuckDBTypeId.BIGINT]: () => new Int64(),
  [DuckDBTypeId.HUGEINT]: () => new Decimal(0, HUGEINT_DIGITS, 128),
  [DuckDBTypeId.UTINYINT]: () => new Uint8(),
  [DuckDBTypeId.USMALLINT]: () => new Uint16(),
  [DuckDBTypeId.UINTEGER]: () => new Uint32(),
  [DuckDBTypeId.UBIGINT]: () => new Uint64(),
  [DuckDBTypeId.FLOAT]: () => new Float32(),
  [DuckDBTypeId.DOUBLE]: () => new Float64(),
  [DuckDBTypeId.DATE]: () => new DateDay(),
  [DuckDBTypeId.TIME]: () => new TimeMicrosecond(),
  [DuckDBTypeId.TIME_NS]: () => new TimeNanosecond(),
  [DuckDBTypeId.TIMESTAMP]: () => new TimestampMicrosecond(),
  [DuckDBTypeId.TIMESTAMP_S]: () => new TimestampSecond(),
  [DuckDBTypeId.TIMESTAMP_MS]: () => new TimestampMillisecond(),
  [DuckDBTypeId.TIMESTAMP_NS]: () => new TimestampNanosecond(),
  [DuckDBTypeId.INTERVAL]: () => new IntervalMonthDayNano(),
  [DuckDBTypeId.BLOB]: () => new Binary(),
  [DuckDBTypeId.GEOMETRY]: () => new Binary(),
};

/** The Arrow type of a column; what Arrow has no type for is text, as JSON if it has parts. */
export function arrowType(type: ValueType, timeZone: string): DataType {
  const field = (name: string, part: ValueType | undefined, nullable = true) =>
    new Field(name, arrowType(part as ValueType, timeZone), nullable);
  switch (type.typeId) {
    case DuckDBTypeId.DECIMAL:
      return new Decimal(type.scale ?? 0, type.width ?? 0, 128);
    case DuckDBTypeId.TIMESTAMP_TZ:
      return new TimestampMicrosecond(timeZone);
    case DuckDBTypeId.LIST:
      return new List(field('item', type.valueType));
    case DuckDBTypeId.ARRAY:
      return new FixedSizeList(type.length ?? 0, field('item', type.valueType));
    case DuckDBTypeId.STRUCT:
      return new Struct((type.entryTypes ?? []).map((part, index) => field(type.entryNames?.[index] ?? '', part)));
    case DuckDBTypeId.MAP:
      return new Map_(
        new Field(
          'entries',
          new Struct<{ key: DataType; value: DataType }>([
            field('key', type.keyType, false),
            field('value', type.valueType),
          ]),
          false,
        ),
      );
    default:
      return SIMPLE[type.typeId]?.() ?? new Utf8();
  }
}

/** A column's values as Arrow holds them. @param arrow the type that `arrowType` says */
export function arrowData(type: ValueType, arrow: DataType, values: readonly RawValue[], timeZone: string): Data {
  const { length } = values;
  const nullCount = values.reduce<number>((count, value) => count + (value === null ? 1 : 0), 0);
  const nullBitmap = nullCount === 0 ? undefined : bits(values, (value) => value !== null);
  const common = { type: arrow, length, nullCount, nullBitmap };
  const part = (index: number, partType: ValueType | undefined, partValues: readonly RawValue[]) =>
    arrowData(partType as ValueType, arrow.children[index].type, partValues, timeZone);
  const lists = values as readonly (readonly RawValue[] | null)[];
  // `makeData` tells its overloads apart by the type alone, which is only known at run time here.
  const make = (props: object) => makeData({ ...common, ...props } as never) as Data;
  switch (type.typeId) {
    case DuckDBTypeId.LIST:
      return make({
        valueOffsets: offsetsOf(lists),
        child: part(
          0,
          type.valueType,
          lists.flatMap((list) => list ?? []),
        ),
      });
    case DuckDBTypeId.ARRAY: {
      const absent = new Array<RawValue>(type.length ?? 0).fill(null);
      return make({
        child: part(
          0,
          type.valueType,
          lists.flatMap((list) => list ?? absent),
        ),
      });
    }
    case DuckDBTypeId.STRUCT:
      return make({
        children: (type.entryTypes ?? []).map((entry, index) =>
          part(
            index,
            entry,
            lists.map((struct) => struct?.[index] ?? null),
          ),
        ),
      });
    case DuckDBTypeId.MAP: {
      const { keyType, valueType } = type as Required<ValueType>;
      const entries = { typeId: DuckDBTypeId.STRUCT, entryNames: ['key', 'value'], entryTypes: [keyType, valueType] };
      return make({
        valueOffsets: offsetsOf(lists),
        child: part(
          0,
          entries,
          lists.flatMap((map) => map ?? []),
        ),
      });
    }
    default:
      return make(flatBuffers(type, arrow, values, timeZone));
  }
}

/** The buffers of a type that has no parts, besides that of its nulls. */
function flatBuffers(type: ValueType, arrow: DataType, values: readonly RawValue[], timeZone: string): object {
  switch (type.typeId) {
    case DuckDBTypeId.SQLNULL:
      return {};
    case DuckDBTypeId.BOOLEAN:
      return { data: bits(values, (value) => value === true) };
    case DuckDBTypeId.INTERVAL:
      return { data: intervals(values as readonly (readonly RawValue[] | null)[]) };
    case DuckDBTypeId.BLOB:
    case DuckDBTypeId.GEOMETRY:
      return bytesOf(values.map((value) => Buffer.from(String(value ?? ''), 'base64')));
    case DuckDBTypeId.DECIMAL:
    case DuckDBTypeId.HUGEINT:
      return { data: decimals(values) };
    default:
      return arrow instanceof Utf8
        ? bytesOf(values.map((value) => Buffer.from(text(type, value, timeZone))))
        : { data: numbers(arrow, values) };
  }
}

function text(type: ValueType, value: RawValue, timeZone: string): string {
  if (value === null) return '';
  if (type.typeId === DuckDBTypeId.VARIANT) return String(value);
  const shown = shownValue(type, value, { timeZone, wideNumbers: false });
  return typeof shown === 'object' ? JSON.stringify(shown) : String(shown);
}

function numbers(arrow: DataType, values: readonly RawValue[]): ArrayLike<unknown> {
  const data = new arrow.ArrayType(values.length);
  const isWide = data instanceof BigInt64Array || data instanceof BigUint64Array;
  for (const [index, value] of values.entries()) {
    if (value !== null) data[index] = isWide ? BigInt(value as string) : Number(value);
  }
  return data;
}

/** 128 bits each, in two's complement. */
function decimals(values: readonly RawValue[]): Uint32Array {
  const words = new BigUint64Array(values.length * 2);
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    const unscaled = BigInt(value as string);
    if (String(unscaled).replace('-', '').length > HUGEINT_DIGITS) {
      const message = `${unscaled} has more digits than a decimal of Arrow: cast the column to DOUBLE or VARCHAR`;
      throw new SluiceError('SLUICE_QUERY', message);
    }
    words[2 * index] = BigInt.asUintN(64, unscaled);
    words[2 * index + 1] = BigInt.asUintN(64, unscaled >> 64n);
  }
  return new Uint32Array(words.buffer);
}

/** Months, days, and 64 bits of nanoseconds each. */
function intervals(values: readonly (readonly RawValue[] | null)[]): Int32Array {
  const data = new DataView(new ArrayBuffer(values.length * 16));
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    const [months, days, micros] = value;
    data.setInt32(16 * index, Number(months), true);
    data.setInt32(16 * index + 4, Number(days), true);
    data.setBigInt64(16 * index + 8, BigInt(micros as string) * 1000n, true);
  }
  return new Int32Array(data.buffer);
}

function offsetsOf(
  lists: readonly { readonly length: number }[] | readonly (readonly RawValue[] | null)[],
): Int32Array {
  const offsets = new Int32Array(lists.length + 1);
  for (const [index, list] of lists.entries()) offsets[index + 1] = offsets[index] + (list?.length ?? 0);
  return offsets;
}

function bytesOf(values: readonly Buffer[]): { valueOffsets: Int32Array; data: Uint8Array } {
  return { valueOffsets: offsetsOf(values), data: Buffer.concat(values) };
}

function bits(values: readonly RawValue[], isSet: (value: RawValue) => boolean): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(values.length / 8));
  for (const [index, value] of values.entries()) if (isSet(value)) bytes[index >> 3] |= 1 << (index & 7);
  return bytes;
}
