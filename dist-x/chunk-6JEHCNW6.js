import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/schema/spec.ts
import { createHash } from "node:crypto";
var KINDS = ["text", "json", "amount", "timestamp", "date", "int64", "bool"];
var ROLES = ["change_id", "key", "key_type", "operation", "amount", "event_time"];
var TIME_UNITS = ["s", "ms", "us", "ns"];
var DEFAULT_UNIT = "ms";
var DERIVED_COLUMNS = [
  "extra",
  "is_high_value",
  "is_late",
  "issues",
  "kafka_partition",
  "kafka_offset",
  "kafka_timestamp",
  "change_seq"
];
var KIND_TYPES = {
  text: "utf8",
  json: "utf8",
  amount: "decimal18_4",
  timestamp: "timestamp_us_utc",
  date: "date32",
  int64: "int64",
  bool: "bool"
};
function isNeverNull({ kind, required }) {
  return required && (kind === "text" || kind === "json");
}
function tableColumns(spec) {
  const columns = [];
  spec.columns.forEach((column, source) => {
    columns.push({ name: column.name, type: KIND_TYPES[column.kind], source, nullable: !isNeverNull(column) });
    if (column.raw !== void 0) columns.push({ name: column.raw, type: "utf8", source, nullable: true });
  });
  const derived = (name, type, nullable = false) => columns.push({ name, type, source: void 0, nullable });
  derived("extra", "utf8", true);
  derived("is_high_value", "bool");
  derived("is_late", "bool");
  derived("issues", "int64");
  derived("kafka_partition", "int32");
  derived("kafka_offset", "int64");
  derived("kafka_timestamp", "timestamp_us_utc", true);
  derived("change_seq", "uint64");
  return columns;
}
function roleColumn(spec, role) {
  return spec.columns.find((column) => column.role === role);
}
function specHash(spec) {
  return createHash("sha256").update(specJson(spec)).digest("hex");
}
function specJson(spec) {
  const columns = spec.columns.map(({ name, path, kind, required, role, raw, unit }) => ({
    name,
    path,
    kind,
    ...required && { required },
    ...role && { role },
    ...raw && { raw },
    ...unit && unit !== DEFAULT_UNIT && { unit }
  }));
  return JSON.stringify({ table: spec.table, view: spec.view, columns });
}

export {
  KINDS,
  ROLES,
  TIME_UNITS,
  DEFAULT_UNIT,
  DERIVED_COLUMNS,
  tableColumns,
  roleColumn,
  specHash,
  specJson
};
//# sourceMappingURL=chunk-6JEHCNW6.js.map
