import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  AHEAD_MS
} from "./chunk-MGXMPSQE.js";
import {
  LEDGER_FILES,
  LEDGER_RANGES,
  ledgerFile,
  ledgerRange
} from "./chunk-QVZ4RX7Q.js";
import {
  literal,
  rowsOf
} from "./chunk-XA52K7QX.js";
import {
  BATCH_STAT_LIST,
  NO_STATS
} from "./chunk-35ENZBND.js";
import {
  require_lib
} from "./chunk-ZIERCETT.js";
import {
  SluiceError
} from "./chunk-OOJGYMCI.js";
import {
  __toESM
} from "./chunk-YJDLZ72D.js";

// src/sinks/duckdb/ledger.ts
var import_node_api = __toESM(require_lib(), 1);
async function append(connection, table, rows) {
  const appender = await connection.createAppender(table, "sluice");
  rows(appender);
  appender.closeSync();
}
async function writeQuarantine(connection, topic, batches) {
  if (batches.every(({ quarantined }) => quarantined.length === 0)) return;
  await append(connection, "quarantine", (appender) => {
    for (const { partition, quarantined } of batches) {
      for (const { offset, key, value, status, position, timestamp, column } of quarantined) {
        appender.appendVarchar(topic);
        appender.appendInteger(partition);
        appender.appendBigInt(BigInt(offset));
        if (key === null) appender.appendNull();
        else appender.appendBlob(key);
        appender.appendBlob(value);
        appender.appendVarchar(status);
        if (position < 0) appender.appendNull();
        else appender.appendBigInt(BigInt(position));
        if (timestamp < 0) appender.appendNull();
        else appender.appendTimestampTZ(fromMilliseconds(timestamp));
        if (column === void 0) appender.appendNull();
        else appender.appendVarchar(column);
        appender.endRow();
      }
    }
  });
}
var COUNTERS = BATCH_STAT_LIST.flatMap(([name, { ledger }]) => ledger === void 0 ? [] : [{ name, ...ledger }]);
async function writeLedger(connection, topic, commitId, rows) {
  if (rows.length === 0) return;
  const values = rows.map(({ partition, startOffset, nextOffset, kind, file, stats }) => {
    const named = file === void 0 ? ["NULL", "NULL"] : [literal(file.name), file.bytes];
    const counts = COUNTERS.map(({ name }) => stats[name]);
    return `(${[partition, startOffset, nextOffset, `'${kind}'`, ...named, ...counts].join(", ")})`;
  });
  const columns = COUNTERS.map(({ column }) => column);
  await connection.run(
    `INSERT INTO sluice.batches BY NAME
     SELECT topic: ${literal(topic)}, commit_id: ${commitId}, committed_at: now(), *
     FROM (VALUES ${values.join(", ")})
       ledger(partition_id, start_offset, next_offset, kind, file, file_bytes, ${columns.join(", ")})`
  );
}
function fromMilliseconds(milliseconds) {
  return (0, import_node_api.timestampTZValue)(BigInt(milliseconds) * 1000n);
}
async function readPositions(connection, topic) {
  const rows = await rowsOf(
    connection,
    `SELECT partition_id, next_offset, leader_epoch, epoch_us(watermark) AS watermark FROM sluice.positions
     WHERE topic = ${literal(topic)} ORDER BY partition_id`
  );
  return rows.map(({ partition_id, next_offset, leader_epoch, watermark }) => ({
    partition: Number(partition_id),
    nextOffset: Number(next_offset),
    leaderEpoch: leader_epoch ?? void 0,
    watermark: watermark ?? void 0
  }));
}
async function readLedgerState(connection) {
  const columns = await rowsOf(
    connection,
    `SELECT column_name AS name FROM duckdb_columns()
     WHERE database_name = current_database() AND schema_name = 'sluice' AND table_name = 'batches'`
  );
  if (columns.length === 0) return { files: [], ranges: [], lastCommit: 0 };
  const commit = columns.some(({ name }) => name === "commit_id") ? "max(commit_id)" : "0";
  const [{ last }] = await rowsOf(connection, `SELECT ${commit} AS last FROM sluice.batches`);
  return {
    files: (await rowsOf(connection, LEDGER_FILES)).map(ledgerFile),
    ranges: (await rowsOf(connection, LEDGER_RANGES)).map(ledgerRange),
    lastCommit: Number(last ?? 0)
  };
}
async function readIdentity(connection) {
  const [meta] = await rowsOf(connection, "SELECT cluster_id, topic_id FROM sluice.meta");
  const text = (value) => value ?? void 0;
  return { clusterId: text(meta?.cluster_id), topicId: text(meta?.topic_id) };
}
async function writeIdentity(connection, { clusterId, topicId }) {
  const text = (value) => value === void 0 ? "NULL" : literal(value);
  await connection.run(`UPDATE sluice.meta SET cluster_id = ${text(clusterId)}, topic_id = ${text(topicId)}`);
}
async function insertPositions(connection, topic, starts) {
  if (starts.length === 0) return;
  const rows = starts.map(({ partition, nextOffset, reason }) => `(${partition}, ${nextOffset}, '${reason}')`);
  await connection.run(
    `INSERT INTO sluice.positions BY NAME
     SELECT topic: ${literal(topic)}, partition_id, next_offset, first_offset: next_offset, start_reason,
       started_at: now()
     FROM (VALUES ${rows.join(", ")}) new(partition_id, next_offset, start_reason)
     WHERE partition_id NOT IN (SELECT partition_id FROM sluice.positions WHERE topic = ${literal(topic)})`
  );
}
async function writeGaps(connection, topic, gaps, commitId) {
  const rows = gaps.map((gap) => ({ ...gap, kind: "gap", stats: NO_STATS }));
  await writeLedger(connection, topic, commitId, rows);
  await movePositions(
    connection,
    topic,
    rows.map((row) => ({ ...row, leaderEpoch: void 0 }))
  );
}
async function movePositions(connection, topic, moves) {
  const statement = await connection.prepare(
    `UPDATE sluice.positions
     SET next_offset = $1, watermark = greatest(CASE WHEN watermark <= $7 THEN watermark END, $2),
       leader_epoch = coalesce($6, leader_epoch)
     WHERE topic = $3 AND partition_id = $4 AND next_offset = $5`
  );
  const latest = fromMilliseconds(Date.now() + AHEAD_MS);
  for (const { partition, startOffset, nextOffset, leaderEpoch, stats } of moves) {
    const { maxEventTime } = stats;
    statement.bindTimestampTZ(7, latest);
    statement.bindBigInt(1, BigInt(nextOffset));
    if (maxEventTime === void 0) statement.bindNull(2);
    else statement.bindTimestampTZ(2, (0, import_node_api.timestampTZValue)(maxEventTime));
    statement.bindVarchar(3, topic);
    statement.bindInteger(4, partition);
    statement.bindBigInt(5, BigInt(startOffset));
    if (leaderEpoch === void 0) statement.bindNull(6);
    else statement.bindInteger(6, leaderEpoch);
    const { rowsChanged } = await statement.run();
    if (rowsChanged !== 1) throw await fenced(connection, topic, partition, startOffset);
  }
  statement.destroySync();
}
async function fenced(connection, topic, partition, startOffset) {
  const rows = await rowsOf(
    connection,
    `SELECT next_offset FROM sluice.positions WHERE topic = ${literal(topic)} AND partition_id = ${partition}`
  );
  const found = rows.map(({ next_offset }) => next_offset).join(" and ") || "gone";
  return new SluiceError(
    "SLUICE_FENCED",
    `the position of ${topic} partition ${partition} is ${found}, not ${startOffset} as when this process read it: someone else moved it. Nothing of the group was committed`
  );
}

export {
  writeQuarantine,
  writeLedger,
  readPositions,
  readLedgerState,
  readIdentity,
  writeIdentity,
  insertPositions,
  writeGaps,
  movePositions
};
//# sourceMappingURL=chunk-4RXNSG7Q.js.map
