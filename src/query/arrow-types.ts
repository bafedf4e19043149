/** DuckDB's types → Arrow's. */
import { DuckDBTypeId } from '@duckdb/node-api';
import {
  Binary,
  Bool,
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
import type { ValueType } from './values.js';

export const HUGEINT_DIGITS = 38;

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

/** Of a list, or of a map, which is one of pairs. */
export function itemType({ typeId, keyType, valueType }: ValueType): ValueType | undefined {
  if (typeId === DuckDBTypeId.LIST) return valueType;
  const entryTypes = [keyType, valueType] as ValueType[];
  return { typeId: DuckDBTypeId.STRUCT, entryNames: ['key', 'value'], entryTypes };
}
