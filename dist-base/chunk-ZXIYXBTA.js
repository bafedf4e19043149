import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  issueBits,
  openFormat
} from "./chunk-3CYC53KP.js";
import {
  identifier,
  literal,
  rowsOf
} from "./chunk-XA52K7QX.js";
import {
  FORMAT_VERSION
} from "./chunk-CLQZY57A.js";
import {
  roleColumn,
  specHash,
  specJson,
  tableColumns
} from "./chunk-6JEHCNW6.js";
import {
  OPERATION
} from "./chunk-Y3JUF4HW.js";
import {
  SluiceError
} from "./chunk-OOJGYMCI.js";

// src/sinks/duckdb/ddl.ts
var DUCKDB_TYPES = {
  utf8: "VARCHAR",
  decimal18_4: "DECIMAL(18,4)",
  timestamp_us_utc: "TIMESTAMP WITH TIME ZONE",
  date32: "DATE",
  int64: "BIGINT",
  uint64: "UBIGINT",
  int32: "INTEGER",
  bool: "BOOLEAN"
};
var FEW_VALUES = /* @__PURE__ */ new Set(["operation", "currency", "status"]);
var FEW_VALUED_ROLES = ["operation", "key_type"];
function isFewValued(spec, name) {
  return FEW_VALUES.has(name) || FEW_VALUED_ROLES.some((role) => name === roleColumn(spec, role)?.name);
}
function storedColumn(spec, { name, type }) {
  const compression = type === "utf8" && !isFewValued(spec, name) ? " USING COMPRESSION zstd" : "";
  return `${identifier(name)} ${DUCKDB_TYPES[type]}${compression}`;
}
function columnDefinitions(spec) {
  return tableColumns(spec).map(({ name, type }) => `${identifier(name)} ${DUCKDB_TYPES[type]}`).join(", ");
}
async function migrate(connection, spec, topic) {
  await openFormat(connection, topic);
  const table = identifier(spec.table);
  const missing = await missingColumns(connection, spec);
  await checkSpec(connection, spec);
  const columns = tableColumns(spec).map((column) => storedColumn(spec, column));
  await connection.run(`CREATE TABLE IF NOT EXISTS ${table} (${columns.join(", ")})`);
  for (const column of missing) {
    await connection.run(`ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${storedColumn(spec, column)}`);
  }
  await connection.run(orderView(spec));
  await connection.run("BEGIN");
  try {
    const bits = await issueBits(connection, spec);
    await writeSpec(connection, spec, topic);
    await connection.run("COMMIT");
    return bits;
  } catch (thrown) {
    await connection.run("ROLLBACK").catch(() => {
    });
    throw thrown;
  }
}
async function writeSpec(connection, spec, topic) {
  const hash = specHash(spec);
  const [known] = await rowsOf(connection, "SELECT spec_hash FROM sluice.meta");
  if (known?.spec_hash === hash) return;
  const [json, format] = [literal(specJson(spec)), FORMAT_VERSION];
  await connection.run(
    known === void 0 ? `INSERT INTO sluice.meta (format_version, created_format, topic, spec, spec_hash, changed_at)
         VALUES (${format}, ${format}, ${literal(topic)}, ${json}, '${hash}', now())` : `UPDATE sluice.meta SET spec = ${json}, spec_hash = '${hash}', changed_at = now()`
  );
}
async function missingColumns(connection, spec) {
  const existing = await rowsOf(
    connection,
    `SELECT column_name, data_type FROM duckdb_columns()
     WHERE database_name = current_database() AND schema_name = 'main' AND table_name = ${literal(spec.table)}`
  );
  const types = new Map(existing.map(({ column_name, data_type }) => [column_name, data_type]));
  for (const { name, type } of tableColumns(spec)) {
    const known = types.get(name);
    const wanted = DUCKDB_TYPES[type];
    if (known !== void 0 && known !== wanted) throw kindChanged(spec, name, String(known), wanted);
  }
  return tableColumns(spec).filter(({ name }) => !types.has(name));
}
async function checkSpec(connection, spec) {
  const [meta] = await rowsOf(connection, "SELECT spec FROM sluice.meta");
  if (meta === void 0) return;
  const known = JSON.parse(String(meta.spec));
  const kinds = new Map(known.columns.map(({ name, kind }) => [name, kind]));
  for (const { name, kind } of spec.columns) {
    const before = kinds.get(name);
    if (before !== void 0 && before !== kind) throw kindChanged(spec, name, before, kind);
  }
  const identity = (of) => `table ${of.table} with the change id ${roleColumn(of, "change_id").name}`;
  if (identity(known) === identity(spec)) return;
  throw new SluiceError(
    "SLUICE_SPEC_CHANGED",
    `the data directory has the ${identity(known)}, the table spec has the ${identity(spec)}: change the spec back, or move the data directory away and read the topic again`
  );
}
function kindChanged(spec, name, before, after) {
  return new SluiceError(
    "SLUICE_SPEC_CHANGED",
    `column ${name} of ${spec.table} is ${before}, the table spec makes it ${after}: give the new kind a new name in the spec, or move the data directory away and read the topic again`
  );
}
function orderView(spec) {
  const table = identifier(spec.table);
  const key = identifier(roleColumn(spec, "key").name);
  const typeRole = roleColumn(spec, "key_type")?.name;
  const role = roleColumn(spec, "operation")?.name;
  const view = `CREATE OR REPLACE VIEW ${identifier(spec.view)} AS
WITH ${lastOfPartition(table, key, typeRole && identifier(typeRole))},
"the newest" AS (
  SELECT kafka_partition, kafka_offset FROM "last of partition"
  QUALIFY row_number() OVER (
    PARTITION BY "the key", "the type" ORDER BY "the time" DESC NULLS LAST, kafka_partition DESC) = 1)`;
  if (role === void 0)
    return `${view}
SELECT * FROM ${table} SEMI JOIN "the newest" USING (kafka_partition, kafka_offset)`;
  const operation = identifier(role);
  const [begin, end] = [literal(OPERATION.snapshotBegin), literal(OPERATION.snapshotEnd)];
  return `${view},
"the markers" AS (
  SELECT kafka_partition, ${operation} AS "the end", lag(${operation}) OVER "of snapshot" AS "the marker before",
    lag(kafka_offset) OVER "of snapshot" AS "the beginning"
  FROM ${table} WHERE ${operation} IN (${begin}, ${end})
  WINDOW "of snapshot" AS (PARTITION BY kafka_partition, ${key} ORDER BY kafka_offset)),
"the snapshots" AS (
  SELECT kafka_partition, max("the beginning") AS "the beginning" FROM "the markers"
  WHERE "the end" = ${end} AND "the marker before" = ${begin} GROUP BY kafka_partition)
SELECT ${table}.* FROM ${table} SEMI JOIN "the newest" USING (kafka_partition, kafka_offset)
LEFT JOIN "the snapshots" ON "the snapshots".kafka_partition = ${table}.kafka_partition
WHERE coalesce(${operation}, '') NOT IN (${literal(OPERATION.delete)}, ${literal(OPERATION.vanished)}, ${begin}, ${end})
  AND ${table}.kafka_offset >= coalesce("the beginning", 0)`;
}
function lastOfPartition(table, key, type) {
  const last = (of, keyType) => `"last of partition" AS (
  SELECT ${key} AS "the key", ${keyType} AS "the type", kafka_partition, max(kafka_offset) AS kafka_offset,
    max_by(kafka_timestamp, kafka_offset) AS "the time"
  FROM ${of} GROUP BY ALL)`;
  if (type === void 0) return last(table, "NULL");
  return `"the untyped" AS (
  SELECT DISTINCT ${key} AS "untyped key" FROM ${table} WHERE ${type} IS NULL),
"first of partition" AS (
  SELECT ${key} AS "typed key", kafka_partition, min_by(${type}, kafka_offset) AS "first type",
    min_by(kafka_timestamp, kafka_offset) AS "the time"
  FROM ${table} SEMI JOIN "the untyped" ON "untyped key" = ${key} WHERE ${type} IS NOT NULL GROUP BY ALL),
"first types" AS (
  SELECT "typed key", "first type" FROM "first of partition"
  QUALIFY row_number() OVER (PARTITION BY "typed key" ORDER BY "the time" NULLS FIRST, kafka_partition) = 1),
${last(`${table} LEFT JOIN "first types" ON "typed key" = ${key}`, `coalesce(${type}, "first type")`)}`;
}

export {
  columnDefinitions,
  migrate
};
//# sourceMappingURL=chunk-ZXIYXBTA.js.map
