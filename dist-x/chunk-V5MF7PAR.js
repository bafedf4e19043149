import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Binary,
  Bool,
  DateDay,
  Decimal,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
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
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
  makeData
} from "./chunk-TONEWEO2.js";
import {
  shownValue
} from "./chunk-4RNLI5IY.js";
import {
  require_lib
} from "./chunk-ZIERCETT.js";
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";
import {
  __toESM
} from "./chunk-YJDLZ72D.js";

// src/commands/arrow-types.ts
var import_node_api = __toESM(require_lib(), 1);
var HUGEINT_DIGITS = 38;
var SIMPLE = {
  [import_node_api.DuckDBTypeId.SQLNULL]: () => new Null(),
  [import_node_api.DuckDBTypeId.BOOLEAN]: () => new Bool(),
  [import_node_api.DuckDBTypeId.TINYINT]: () => new Int8(),
  [import_node_api.DuckDBTypeId.SMALLINT]: () => new Int16(),
  [import_node_api.DuckDBTypeId.INTEGER]: () => new Int32(),
  [import_node_api.DuckDBTypeId.BIGINT]: () => new Int64(),
  [import_node_api.DuckDBTypeId.HUGEINT]: () => new Decimal(0, HUGEINT_DIGITS, 128),
  [import_node_api.DuckDBTypeId.UTINYINT]: () => new Uint8(),
  [import_node_api.DuckDBTypeId.USMALLINT]: () => new Uint16(),
  [import_node_api.DuckDBTypeId.UINTEGER]: () => new Uint32(),
  [import_node_api.DuckDBTypeId.UBIGINT]: () => new Uint64(),
  [import_node_api.DuckDBTypeId.FLOAT]: () => new Float32(),
  [import_node_api.DuckDBTypeId.DOUBLE]: () => new Float64(),
  [import_node_api.DuckDBTypeId.DATE]: () => new DateDay(),
  [import_node_api.DuckDBTypeId.TIME]: () => new TimeMicrosecond(),
  [import_node_api.DuckDBTypeId.TIME_NS]: () => new TimeNanosecond(),
  [import_node_api.DuckDBTypeId.TIMESTAMP]: () => new TimestampMicrosecond(),
  [import_node_api.DuckDBTypeId.TIMESTAMP_S]: () => new TimestampSecond(),
  [import_node_api.DuckDBTypeId.TIMESTAMP_MS]: () => new TimestampMillisecond(),
  [import_node_api.DuckDBTypeId.TIMESTAMP_NS]: () => new TimestampNanosecond(),
  [import_node_api.DuckDBTypeId.INTERVAL]: () => new IntervalMonthDayNano(),
  [import_node_api.DuckDBTypeId.BLOB]: () => new Binary(),
  [import_node_api.DuckDBTypeId.GEOMETRY]: () => new Binary()
};
function arrowType(type, timeZone) {
  const field = (name, part, nullable = true) => new Field(name, arrowType(part, timeZone), nullable);
  switch (type.typeId) {
    case import_node_api.DuckDBTypeId.DECIMAL:
      return new Decimal(type.scale ?? 0, type.width ?? 0, 128);
    case import_node_api.DuckDBTypeId.TIMESTAMP_TZ:
      return new TimestampMicrosecond(timeZone);
    case import_node_api.DuckDBTypeId.LIST:
      return new List(field("item", type.valueType));
    case import_node_api.DuckDBTypeId.ARRAY:
      return new FixedSizeList(type.length ?? 0, field("item", type.valueType));
    case import_node_api.DuckDBTypeId.STRUCT:
      return new Struct((type.entryTypes ?? []).map((part, index) => field(type.entryNames?.[index] ?? "", part)));
    case import_node_api.DuckDBTypeId.MAP:
      return new Map_(
        new Field(
          "entries",
          new Struct([
            field("key", type.keyType, false),
            field("value", type.valueType)
          ]),
          false
        )
      );
    default:
      return SIMPLE[type.typeId]?.() ?? new Utf8();
  }
}
function arrowData(type, arrow, values, timeZone) {
  const { length } = values;
  const nullCount = values.reduce((count, value) => count + (value === null ? 1 : 0), 0);
  const nullBitmap = nullCount === 0 ? void 0 : bits(values, (value) => value !== null);
  const common = { type: arrow, length, nullCount, nullBitmap };
  const part = (index, partType, partValues) => arrowData(partType, arrow.children[index].type, partValues, timeZone);
  const lists = values;
  const make = (props) => makeData({ ...common, ...props });
  switch (type.typeId) {
    case import_node_api.DuckDBTypeId.LIST:
      return make({
        valueOffsets: offsetsOf(lists),
        child: part(
          0,
          type.valueType,
          lists.flatMap((list) => list ?? [])
        )
      });
    case import_node_api.DuckDBTypeId.ARRAY: {
      const absent = new Array(type.length ?? 0).fill(null);
      return make({
        child: part(
          0,
          type.valueType,
          lists.flatMap((list) => list ?? absent)
        )
      });
    }
    case import_node_api.DuckDBTypeId.STRUCT:
      return make({
        children: (type.entryTypes ?? []).map(
          (entry, index) => part(
            index,
            entry,
            lists.map((struct) => struct?.[index] ?? null)
          )
        )
      });
    case import_node_api.DuckDBTypeId.MAP: {
      const { keyType, valueType } = type;
      const entries = { typeId: import_node_api.DuckDBTypeId.STRUCT, entryNames: ["key", "value"], entryTypes: [keyType, valueType] };
      return make({
        valueOffsets: offsetsOf(lists),
        child: part(
          0,
          entries,
          lists.flatMap((map) => map ?? [])
        )
      });
    }
    default:
      return make(flatBuffers(type, arrow, values, timeZone));
  }
}
function flatBuffers(type, arrow, values, timeZone) {
  switch (type.typeId) {
    case import_node_api.DuckDBTypeId.SQLNULL:
      return {};
    case import_node_api.DuckDBTypeId.BOOLEAN:
      return { data: bits(values, (value) => value === true) };
    case import_node_api.DuckDBTypeId.INTERVAL:
      return { data: intervals(values) };
    case import_node_api.DuckDBTypeId.BLOB:
    case import_node_api.DuckDBTypeId.GEOMETRY:
      return bytesOf(values.map((value) => Buffer.from(String(value ?? ""), "base64")));
    case import_node_api.DuckDBTypeId.DECIMAL:
    case import_node_api.DuckDBTypeId.HUGEINT:
      return { data: decimals(values) };
    default:
      return arrow instanceof Utf8 ? bytesOf(values.map((value) => Buffer.from(text(type, value, timeZone)))) : { data: numbers(arrow, values) };
  }
}
function text(type, value, timeZone) {
  if (value === null) return "";
  if (type.typeId === import_node_api.DuckDBTypeId.VARIANT) return String(value);
  const shown = shownValue(type, value, { timeZone, wideNumbers: false });
  return typeof shown === "object" ? JSON.stringify(shown) : String(shown);
}
function numbers(arrow, values) {
  const data = new arrow.ArrayType(values.length);
  const isWide = data instanceof BigInt64Array || data instanceof BigUint64Array;
  for (const [index, value] of values.entries()) {
    if (value !== null) data[index] = isWide ? BigInt(value) : Number(value);
  }
  return data;
}
function decimals(values) {
  const words = new BigUint64Array(values.length * 2);
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    const unscaled = BigInt(value);
    if (String(unscaled).replace("-", "").length > HUGEINT_DIGITS) {
      const message = `${unscaled} has more digits than a decimal of Arrow: cast the column to DOUBLE or VARCHAR`;
      throw new SluiceError("SLUICE_QUERY", message);
    }
    words[2 * index] = BigInt.asUintN(64, unscaled);
    words[2 * index + 1] = BigInt.asUintN(64, unscaled >> 64n);
  }
  return new Uint32Array(words.buffer);
}
function intervals(values) {
  const data = new DataView(new ArrayBuffer(values.length * 16));
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    const [months, days, micros] = value;
    data.setInt32(16 * index, Number(months), true);
    data.setInt32(16 * index + 4, Number(days), true);
    data.setBigInt64(16 * index + 8, BigInt(micros) * 1000n, true);
  }
  return new Int32Array(data.buffer);
}
function offsetsOf(lists) {
  const offsets = new Int32Array(lists.length + 1);
  for (const [index, list] of lists.entries()) offsets[index + 1] = offsets[index] + (list?.length ?? 0);
  return offsets;
}
function bytesOf(values) {
  return { valueOffsets: offsetsOf(values), data: Buffer.concat(values) };
}
function bits(values, isSet) {
  const bytes = new Uint8Array(Math.ceil(values.length / 8));
  for (const [index, value] of values.entries()) if (isSet(value)) bytes[index >> 3] |= 1 << (index & 7);
  return bytes;
}

export {
  arrowType,
  arrowData
};
//# sourceMappingURL=chunk-V5MF7PAR.js.map
