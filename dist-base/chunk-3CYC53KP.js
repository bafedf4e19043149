import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  literal,
  rowsOf
} from "./chunk-XA52K7QX.js";
import {
  BATCH_STAT_LIST
} from "./chunk-35ENZBND.js";
import {
  FORMAT_VERSION
} from "./chunk-CLQZY57A.js";
import {
  SluiceError
} from "./chunk-OOJGYMCI.js";

// src/sinks/duckdb/format.ts
var COUNTERS = BATCH_STAT_LIST.flatMap(
  ([, { ledger }]) => ledger === void 0 ? [] : [`${ledger.column} ${ledger.type}`]
);
var TABLES = `
CREATE SCHEMA IF NOT EXISTS sluice;
CREATE TABLE IF NOT EXISTS sluice.meta (
  format_version INTEGER NOT NULL, topic VARCHAR NOT NULL, spec JSON NOT NULL, spec_hash VARCHAR NOT NULL,
  changed_at TIMESTAMPTZ NOT NULL);
CREATE TABLE IF NOT EXISTS sluice.positions (
  topic VARCHAR NOT NULL, partition_id INTEGER NOT NULL, next_offset BIGINT NOT NULL, watermark TIMESTAMPTZ);
CREATE TABLE IF NOT EXISTS sluice.batches (
  topic VARCHAR NOT NULL, partition_id INTEGER NOT NULL, start_offset BIGINT NOT NULL, next_offset BIGINT NOT NULL,
  file VARCHAR, file_bytes BIGINT, ${COUNTERS.map((counter) => `${counter} NOT NULL`).join(", ")},
  committed_at TIMESTAMPTZ NOT NULL);
CREATE TABLE IF NOT EXISTS sluice.quarantine (
  topic VARCHAR NOT NULL, partition_id INTEGER NOT NULL, message_offset BIGINT NOT NULL, key BLOB, value BLOB NOT NULL,
  reason VARCHAR NOT NULL, byte_position BIGINT, kafka_timestamp TIMESTAMPTZ);
CREATE TABLE IF NOT EXISTS sluice.columns (name VARCHAR NOT NULL, issue_bit INTEGER NOT NULL);`;
var ADDED_COLUMNS = [
  "meta ADD COLUMN IF NOT EXISTS cluster_id VARCHAR",
  "meta ADD COLUMN IF NOT EXISTS topic_id VARCHAR",
  "meta ADD COLUMN IF NOT EXISTS created_format INTEGER",
  "positions ADD COLUMN IF NOT EXISTS leader_epoch INTEGER",
  "positions ADD COLUMN IF NOT EXISTS first_offset BIGINT",
  "positions ADD COLUMN IF NOT EXISTS start_reason VARCHAR",
  "positions ADD COLUMN IF NOT EXISTS started_at TIMESTAMPTZ",
  `batches ADD COLUMN IF NOT EXISTS kind VARCHAR DEFAULT 'consume'`,
  "batches ADD COLUMN IF NOT EXISTS commit_id BIGINT DEFAULT 0",
  "quarantine ADD COLUMN IF NOT EXISTS column_name VARCHAR"
];
var ISSUE_NAMES = `CREATE OR REPLACE MACRO sluice.issue_names(bits) AS coalesce((
  SELECT list(name ORDER BY issue_bit) FROM sluice.columns WHERE get_bit(bits::BIGINT::BIT, 63 - issue_bit) = 1), [])`;
var MAX_COLUMNS = 64;
async function openFormat(connection, topic) {
  await connection.run("BEGIN");
  try {
    await connection.run(TABLES);
    const [meta] = await rowsOf(connection, "SELECT format_version, topic, spec FROM sluice.meta");
    if (meta !== void 0) checkMeta(Number(meta.format_version), String(meta.topic), topic);
    if (meta === void 0 || Number(meta.format_version) < FORMAT_VERSION) {
      for (const column of ADDED_COLUMNS) await connection.run(`ALTER TABLE sluice.${column}`);
      if (meta !== void 0) await upgrade(connection, JSON.parse(String(meta.spec)));
    }
    for (const counter of COUNTERS) {
      await connection.run(`ALTER TABLE sluice.batches ADD COLUMN IF NOT EXISTS ${counter} DEFAULT 0`);
    }
    await connection.run(ISSUE_NAMES);
    await connection.run("COMMIT");
  } catch (thrown) {
    await connection.run("ROLLBACK").catch(() => {
    });
    throw thrown;
  }
}
async function checkFormat(connection, topic) {
  const tables = await rowsOf(
    connection,
    `SELECT 1 FROM duckdb_tables()
     WHERE database_name = current_database() AND schema_name = 'sluice' AND table_name = 'meta'`
  );
  if (tables.length === 0) return;
  const [meta] = await rowsOf(connection, "SELECT format_version, topic FROM sluice.meta");
  if (meta !== void 0) checkMeta(Number(meta.format_version), String(meta.topic), topic);
}
function checkMeta(version, found, topic) {
  if (version > FORMAT_VERSION) {
    throw new SluiceError(
      "SLUICE_CONFIG",
      `the data directory has format ${version}, this Sluice writes ${FORMAT_VERSION}: use a newer one`
    );
  }
  if (found !== topic) {
    throw new SluiceError(
      "SLUICE_CONFIG",
      `DATA_DIR holds the topic ${found}, KAFKA_TOPIC is ${topic}: one data directory has one topic`
    );
  }
}
async function upgrade(connection, spec) {
  await insertBits(
    connection,
    spec.columns.map(({ name }, bit) => [name, bit])
  );
  await connection.run(
    `UPDATE sluice.positions SET start_reason = 'unknown', first_offset = coalesce(
       (SELECT min(start_offset) FROM sluice.batches b WHERE b.partition_id = positions.partition_id), next_offset);
     UPDATE sluice.meta SET format_version = ${FORMAT_VERSION}, created_format = 1`
  );
}
async function issueBits(connection, spec) {
  const rows = await rowsOf(connection, "SELECT name, issue_bit FROM sluice.columns");
  const bits = new Map(rows.map(({ name, issue_bit }) => [String(name), Number(issue_bit)]));
  const added = spec.columns.filter(({ name }) => !bits.has(name));
  if (bits.size + added.length > MAX_COLUMNS) {
    throw new SluiceError(
      "SLUICE_SPEC_CHANGED",
      `${spec.table} has had ${bits.size} columns in this data directory, the table spec adds ${added.length}: a directory has ${MAX_COLUMNS} over its life, one for each bit of issues; move it away and read the topic again`
    );
  }
  const next = Math.max(-1, ...bits.values()) + 1;
  const pairs = added.map(({ name }, index) => [name, next + index]);
  await insertBits(connection, pairs);
  for (const [name, bit] of pairs) bits.set(name, bit);
  return spec.columns.map(({ name }) => bits.get(name));
}
async function insertBits(connection, pairs) {
  if (pairs.length === 0) return;
  const values = pairs.map(([name, bit]) => `(${literal(name)}, ${bit})`).join(", ");
  await connection.run(`INSERT INTO sluice.columns VALUES ${values}`);
}

export {
  openFormat,
  checkFormat,
  issueBits
};
//# sourceMappingURL=chunk-3CYC53KP.js.map
