import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  timestampText
} from "./chunk-WX4LE7JX.js";
import {
  require_lib
} from "./chunk-ZIERCETT.js";
import {
  __toESM
} from "./chunk-YJDLZ72D.js";

// src/query/values.ts
var import_node_api = __toESM(require_lib(), 1);
function rawValue(value) {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") {
    if (Object.is(value, -0)) return "-0";
    return Number.isFinite(value) ? value : String(value);
  }
  if (value instanceof import_node_api.DuckDBListValue || value instanceof import_node_api.DuckDBArrayValue) return value.items.map(rawValue);
  if (value instanceof import_node_api.DuckDBStructValue) return Object.values(value.entries).map(rawValue);
  if (value instanceof import_node_api.DuckDBMapValue) return value.entries.map(({ key, value: value2 }) => [rawValue(key), rawValue(value2)]);
  if (value instanceof import_node_api.DuckDBUnionValue) return [value.tag, rawValue(value.value)];
  if (value instanceof import_node_api.DuckDBDecimalValue) return String(value.value);
  if (value instanceof import_node_api.DuckDBBlobValue || value instanceof import_node_api.DuckDBGeometryValue) {
    return Buffer.from(value.bytes).toString("base64");
  }
  if (value instanceof import_node_api.DuckDBIntervalValue) return [value.months, value.days, String(value.micros)];
  if (value instanceof import_node_api.DuckDBVariantValue) {
    return JSON.stringify((0, import_node_api.JsonDuckDBValueConverter)(value, import_node_api.VARIANT, import_node_api.JsonDuckDBValueConverter));
  }
  return rawTime(value) ?? String(value);
}
function rawTime(value) {
  if (value instanceof import_node_api.DuckDBDateValue) return value.days;
  if (value instanceof import_node_api.DuckDBTimeValue || value instanceof import_node_api.DuckDBTimestampValue) return String(value.micros);
  if (value instanceof import_node_api.DuckDBTimestampTZValue) return String(value.micros);
  if (value instanceof import_node_api.DuckDBTimeNSValue || value instanceof import_node_api.DuckDBTimestampNanosecondsValue) {
    return String(value.nanos);
  }
  if (value instanceof import_node_api.DuckDBTimestampSecondsValue) return String(value.seconds);
  if (value instanceof import_node_api.DuckDBTimestampMillisecondsValue) return String(value.millis);
  return void 0;
}
function shownValue(type, raw, display) {
  if (raw === null) return null;
  const parts = () => raw;
  const shown = (part, value) => shownValue(part, value, display);
  switch (type.typeId) {
    case import_node_api.DuckDBTypeId.LIST:
    case import_node_api.DuckDBTypeId.ARRAY:
      return parts().map((value) => shown(type.valueType, value));
    case import_node_api.DuckDBTypeId.STRUCT:
      return Object.fromEntries(
        parts().map((value, index) => [type.entryNames?.[index] ?? "", shown(type.entryTypes?.[index], value)])
      );
    case import_node_api.DuckDBTypeId.MAP:
      return parts().map((entry) => {
        const [key, value] = entry;
        return { key: shown(type.keyType, key), value: shown(type.valueType, value) };
      });
    case import_node_api.DuckDBTypeId.UNION: {
      const [tag, value] = parts();
      return { tag: String(tag), value: shown(type.memberTypes?.[type.memberTags?.indexOf(String(tag)) ?? -1], value) };
    }
    case import_node_api.DuckDBTypeId.INTERVAL: {
      const [months, days, micros] = parts();
      return { months: Number(months), days: Number(days), micros: String(micros) };
    }
    case import_node_api.DuckDBTypeId.VARIANT:
      return JSON.parse(String(raw));
    default:
      return shownScalar(type, raw, display);
  }
}
function shownScalar(type, raw, display) {
  switch (type.typeId) {
    case import_node_api.DuckDBTypeId.DECIMAL: {
      const text = new import_node_api.DuckDBDecimalValue(BigInt(raw), type.width ?? 0, type.scale ?? 0).toString();
      return display.wideNumbers ? numberIfSame(text) : text;
    }
    case import_node_api.DuckDBTypeId.BIGINT:
    case import_node_api.DuckDBTypeId.UBIGINT:
    case import_node_api.DuckDBTypeId.HUGEINT:
    case import_node_api.DuckDBTypeId.UHUGEINT:
    case import_node_api.DuckDBTypeId.BIGNUM:
      return display.wideNumbers ? numberIfSame(String(raw)) : raw;
    case import_node_api.DuckDBTypeId.BLOB:
    case import_node_api.DuckDBTypeId.GEOMETRY:
      return new import_node_api.DuckDBBlobValue(Buffer.from(String(raw), "base64")).toString();
    case import_node_api.DuckDBTypeId.DATE:
      return new import_node_api.DuckDBDateValue(Number(raw)).toString();
    case import_node_api.DuckDBTypeId.TIME:
      return new import_node_api.DuckDBTimeValue(BigInt(raw)).toString();
    case import_node_api.DuckDBTypeId.TIME_NS:
      return new import_node_api.DuckDBTimeNSValue(BigInt(raw)).toString();
    case import_node_api.DuckDBTypeId.TIMESTAMP:
      return new import_node_api.DuckDBTimestampValue(BigInt(raw)).toString();
    case import_node_api.DuckDBTypeId.TIMESTAMP_S:
      return new import_node_api.DuckDBTimestampSecondsValue(BigInt(raw)).toString();
    case import_node_api.DuckDBTypeId.TIMESTAMP_MS:
      return new import_node_api.DuckDBTimestampMillisecondsValue(BigInt(raw)).toString();
    case import_node_api.DuckDBTypeId.TIMESTAMP_NS:
      return new import_node_api.DuckDBTimestampNanosecondsValue(BigInt(raw)).toString();
    case import_node_api.DuckDBTypeId.TIMESTAMP_TZ:
      return timestampText(BigInt(raw), display.timeZone);
    default:
      return raw;
  }
}
function numberIfSame(text) {
  const number = Number(text);
  const digits = text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  return String(number) === digits ? number : text;
}

export {
  rawValue,
  shownValue
};
//# sourceMappingURL=chunk-4RNLI5IY.js.map
