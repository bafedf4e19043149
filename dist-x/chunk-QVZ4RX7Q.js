import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  readJournal
} from "./chunk-BLAVQB6S.js";
import {
  listFiles,
  parquetRange,
  topicFolder
} from "./chunk-CLQZY57A.js";

// src/sinks/duckdb/ledger-files.ts
import { statSync } from "node:fs";
import { join, relative } from "node:path";
var LEDGER_FILES = `SELECT file, file_bytes, partition_id, count(*) AS batches,
    sum(rows_merged + rows_duplicate) AS rows, min(start_offset) AS "start", max(next_offset) AS "next"
  FROM sluice.batches WHERE file IS NOT NULL
  GROUP BY file, file_bytes, partition_id ORDER BY partition_id, "start"`;
function ledgerFile(row) {
  return {
    name: String(row.file),
    bytes: Number(row.file_bytes),
    partition: Number(row.partition_id),
    batches: Number(row.batches),
    rows: Number(row.rows),
    start: Number(row.start),
    next: Number(row.next)
  };
}
var LEDGER_RANGES = `SELECT partition_id, min(start_offset) AS "start", max(next_offset) AS "next"
  FROM sluice.batches GROUP BY partition_id
  HAVING sum(next_offset - start_offset) = max(next_offset) - min(start_offset)`;
function ledgerRange(row) {
  return { partition: Number(row.partition_id), start: Number(row.start), next: Number(row.next) };
}
function compareFiles(dataDir, topic, ledger) {
  const journal = readJournal(dataDir);
  const unfinished = new Set(journal?.commit === ledger.lastCommit + 1 ? journal.files : []);
  const damaged = ledger.files.flatMap((file) => sizeProblem(dataDir, file) ?? []);
  const whole = damaged.length === 0 ? ledger.files : ledger.files.filter((file) => !sizeProblem(dataDir, file));
  const known = new Set(ledger.files.map(({ name }) => name));
  const leftovers = [];
  const unexplained = [];
  for (const path of listFiles(topicFolder(dataDir, topic)).sort()) {
    const file = relative(dataDir, path);
    if (known.has(file)) continue;
    if (/(^|\/)\.[^/]*\.parquet\.tmp$/.test(file)) leftovers.push({ file, why: "a write that was not finished" });
    else if (unfinished.has(file)) leftovers.push({ file, why: `commit ${journal?.commit} was not finished` });
    else if (isJoinLeftover(file, whole, ledger)) leftovers.push({ file, why: "its rows are in other files (a join)" });
    else if (file.endsWith(".parquet")) unexplained.push(file);
  }
  return { leftovers, unexplained, damaged };
}
function sizeProblem(dataDir, { name, bytes }) {
  const found = statSync(join(dataDir, name), { throwIfNoEntry: false })?.size;
  if (found === bytes) return void 0;
  return found === void 0 ? `${name} is missing` : `${name} has ${found} bytes, not ${bytes}`;
}
function isJoinLeftover(file, whole, { files, ranges }) {
  const range = parquetRange(file);
  if (range === void 0) return false;
  const overlaps = (other) => other.partition === range.partition && other.start < range.next && range.start < other.next;
  const isCounted = ranges.some(
    ({ partition, start, next }) => partition === range.partition && start <= range.start && range.next <= next
  );
  const counted = files.filter(overlaps).length;
  return isCounted && counted > 0 && whole.filter(overlaps).length === counted;
}

export {
  LEDGER_FILES,
  ledgerFile,
  LEDGER_RANGES,
  ledgerRange,
  compareFiles,
  sizeProblem
};
//# sourceMappingURL=chunk-QVZ4RX7Q.js.map
