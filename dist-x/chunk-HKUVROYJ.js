import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  readJournal
} from "./chunk-BLAVQB6S.js";
import {
  literal,
  rowsOf
} from "./chunk-XA52K7QX.js";
import {
  BATCH_STAT_LIST,
  NO_STATS
} from "./chunk-35ENZBND.js";
import {
  listFiles,
  parquetRange,
  topicFolder
} from "./chunk-CLQZY57A.js";
import {
  STATUSES
} from "./chunk-TH4FY7UR.js";
import {
  SluiceError,
  asSluiceError
} from "./chunk-YDIRAWJT.js";

// src/sinks/duckdb/file-inventory.ts
import { statSync } from "node:fs";
import { relative } from "node:path";
var REJECTED = STATUSES.filter((status) => status !== "ok" && status !== "tombstone");
var ROW_COUNTS = BATCH_STAT_LIST.flatMap(
  ([name, { predicate }]) => predicate === void 0 ? [] : [`count(*) FILTER (${predicate}) AS count_${name}`]
).join(", ");
async function takeInventory(connection, dataDir, topic) {
  const paths = listFiles(topicFolder(dataDir, topic)).filter((path) => path.endsWith(".parquet"));
  const unfinished = unfinishedFiles(readJournal(dataDir), new Set(paths.map((path) => relative(dataDir, path))));
  const readable = [];
  const damaged = [];
  for (const path of paths.sort()) {
    const name = relative(dataDir, path);
    if (unfinished.includes(name)) continue;
    try {
      readable.push(await readFile(connection, { path, name, topic }));
    } catch (thrown) {
      damaged.push({ range: parquetRange(path), name, problem: thrown.message });
    }
  }
  const files = mostRows(readable);
  const redundant = [];
  for (const file of readable.filter((other) => !files.includes(other))) {
    await checkRedundant(connection, file, files);
    redundant.push(file.name);
  }
  for (const { range, name, problem } of damaged) {
    if (range === void 0 || !isCovered(range, files)) throw refusal(`${name} cannot be used: ${problem}`);
    redundant.push(name);
  }
  return { files, redundant, unfinished };
}
function refusal(what) {
  return new SluiceError(
    "SLUICE_UNEXPLAINED_FILES",
    `${what}. Nothing was changed. Put a whole file in its place; or move it away: what it alone had is then left out, and recorded so unless it comes after all other files, whose end is where reading from Kafka continues`
  );
}
function unfinishedFiles(journal, existing) {
  if (journal === void 0 || journal.files.every((name) => existing.has(name))) return [];
  return journal.files.filter((name) => existing.has(name));
}
async function readFile(connection, { path, name, topic }) {
  const range = parquetRange(path);
  if (range === void 0) throw new Error("Sluice gives no such name");
  const [stats] = await rowsOf(
    connection,
    `SELECT count(*) AS rows, count(DISTINCT kafka_offset) AS offsets, min(kafka_offset) AS lowest,
       max(kafka_offset) AS highest, bool_and(kafka_partition = ${range.partition}) AS in_partition, ${ROW_COUNTS}
     FROM ${parquet([path])}`
  );
  const entries = await rowsOf(
    connection,
    `SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata(${literal(path)})`
  );
  const metadata = new Map(entries.map(({ key, value }) => [String(key), String(value)]));
  const number = (key) => metadata.has(`sluice.${key}`) ? Number(metadata.get(`sluice.${key}`)) : void 0;
  const [rows, offsets] = [Number(stats.rows), Number(stats.offsets)];
  if (metadata.get("sluice.topic") !== topic) throw new Error(`it is of the topic ${metadata.get("sluice.topic")}`);
  if (rows !== (number("messages_ok") ?? rows)) throw new Error(`it has ${rows} rows, not ${number("messages_ok")}`);
  if (rows === 0 || rows !== offsets || stats.in_partition !== true) throw new Error("its offsets are not its own");
  if (Number(stats.lowest) < range.start || Number(stats.highest) >= range.next) {
    throw new Error(`it has the offsets ${stats.lowest} to ${stats.highest}`);
  }
  const counted = BATCH_STAT_LIST.flatMap(([name2, { metadata: key, predicate }]) => {
    const said = key === void 0 ? void 0 : number(key);
    const count = said ?? (predicate === void 0 ? void 0 : Number(stats[`count_${name2}`]));
    return count === void 0 ? [] : [[name2, count]];
  });
  const known = { ...NO_STATS, ...Object.fromEntries(counted) };
  const byStatus = REJECTED.map((status) => number(`messages_${status}`)).filter((count) => count !== void 0);
  const sum = byStatus.length === 0 ? void 0 : byStatus.reduce((total, count) => total + count);
  const quarantined = number("messages_quarantined") ?? sum;
  const countsAll = number("messages_tombstone") !== void 0 && quarantined !== void 0;
  return {
    ...range,
    path,
    name,
    bytes: statSync(path).size,
    rows,
    stats: withMessages({ ...known, quarantined: quarantined ?? 0 }),
    countsAll,
    leaderEpoch: number("leader_epoch"),
    format: number("format") ?? 1
  };
}
function withMessages(stats) {
  return { ...stats, messages: stats.ok + stats.quarantined + stats.tombstone };
}
function parquet(paths) {
  return `read_parquet([${paths.map(literal).join(", ")}], union_by_name = true, hive_partitioning = false)`;
}
function mostRows(all) {
  const chosen = [];
  for (const partition of [...new Set(all.map((file) => file.partition))].sort((a, b) => a - b)) {
    const files = all.filter((file) => file.partition === partition).sort((a, b) => a.next - b.next);
    const best = [
      { rows: 0, files: 0, last: -1, before: -1 }
    ];
    for (const [index, file] of files.entries()) {
      let before = index;
      while (before > 0 && files[before - 1].next > file.start) before--;
      const taken = { rows: best[before].rows + file.rows, files: best[before].files + 1, last: index, before };
      const left = best[index];
      const isBetter = taken.rows > left.rows || taken.rows === left.rows && taken.files < left.files;
      best.push(isBetter ? taken : left);
    }
    const chain = [];
    for (let at = best[files.length]; at.last >= 0; at = best[at.before]) chain.push(files[at.last]);
    chosen.push(...chain.reverse());
  }
  return chosen;
}
async function checkRedundant(connection, file, chosen) {
  const others = chosen.filter(
    ({ partition, start, next }) => partition === file.partition && start < file.next && file.start < next
  );
  try {
    const [{ missing }] = await rowsOf(
      connection,
      `SELECT count(*) AS missing FROM ${parquet([file.path])}
       ANTI JOIN ${parquet(others.map(({ path }) => path))} USING (kafka_offset)`
    );
    if (Number(missing) === 0) return;
  } catch (thrown) {
    throw asSluiceError(thrown, "SLUICE_SINK", `${file.name} cannot be compared`);
  }
  throw refusal(
    `${file.name} overlaps ${others.map(({ name }) => name).join(" and ")}, which do not have all its rows`
  );
}
function isCovered(range, files) {
  let at = range.start;
  for (const { partition, start, next } of files) {
    if (partition === range.partition && start <= at && next > at) at = next;
  }
  return at >= range.next;
}

export {
  takeInventory,
  parquet,
  mostRows
};
//# sourceMappingURL=chunk-HKUVROYJ.js.map
