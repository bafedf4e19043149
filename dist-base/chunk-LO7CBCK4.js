import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  problemsOf
} from "./chunk-TTAWQF2C.js";
import {
  allRows
} from "./chunk-QM55ITZM.js";
import {
  LEDGER_FILES,
  LEDGER_RANGES,
  compareFiles,
  ledgerFile,
  ledgerRange,
  sizeProblem
} from "./chunk-QVZ4RX7Q.js";
import {
  identifier,
  literal
} from "./chunk-XA52K7QX.js";

// src/verify/files.ts
import { statSync } from "node:fs";
import { join, relative } from "node:path";
var FILES_PER_QUERY = 200;
var FILE_COLUMN = "the file";
var UNCOUNTED_FOR_MS = 6e4;
async function* fileChecks(client, scope) {
  const { dataDir } = scope;
  const checks = [
    [
      "all Parquet files of the ledger are there, in full",
      async (files) => files.flatMap((file) => sizeProblem(dataDir, file) ?? [])
    ],
    [
      "each file has the rows of its batches, each offset once",
      (files) => contentProblems(client, scope, wholeFiles(dataDir, files))
    ],
    [
      `every row of ${scope.table} is in the files, value by value`,
      (files) => rowProblems(client, scope, wholeFiles(dataDir, files))
    ]
  ];
  for (const [name, check] of checks) {
    yield { name, problems: await problemsOf(() => onLedgerFiles(client, check)), notes: [] };
  }
  yield await strayCheck(client, scope);
}
async function onLedgerFiles(client, check) {
  for (; ; ) {
    const files = await ledgerFiles(client);
    const problems = await problemsOf(() => check(files));
    if (problems.length === 0 || !client.live) return problems;
    const named = new Set((await ledgerFiles(client)).map(({ name }) => name));
    if (files.every(({ name }) => named.has(name))) return problems;
  }
}
async function ledgerFiles(client) {
  return (await allRows(client, LEDGER_FILES)).map(ledgerFile);
}
function wholeFiles(dataDir, files) {
  return files.filter((file) => sizeProblem(dataDir, file) === void 0);
}
async function strayCheck(client, { dataDir, topic }) {
  const newest = client.live ? Date.now() - UNCOUNTED_FOR_MS : Number.POSITIVE_INFINITY;
  const isOld = (file) => (statSync(join(dataDir, file), { throwIfNoEntry: false })?.mtimeMs ?? newest) < newest;
  const { leftovers, unexplained } = compareFiles(dataDir, topic, await readLedger(client));
  return {
    name: "there are no Parquet files that the ledger does not name",
    problems: await problemsOf(async () => unexplained.filter(isOld)),
    notes: await problemsOf(
      async () => leftovers.filter(({ file }) => isOld(file)).map(({ file, why }) => `the next start removes ${file}: ${why}`)
    )
  };
}
async function readLedger(client) {
  const [{ format_version }] = await allRows(client, "SELECT format_version FROM sluice.meta");
  const last = Number(format_version) < 2 ? "0" : "(SELECT max(commit_id) FROM sluice.batches)";
  const [{ commit }] = await allRows(client, `SELECT ${last} AS commit`);
  return {
    files: await ledgerFiles(client),
    ranges: (await allRows(client, LEDGER_RANGES)).map(ledgerRange),
    lastCommit: Number(commit ?? 0)
  };
}
function* blocks(files) {
  for (let from = 0; from < files.length; ) {
    let to = from;
    while (to < files.length && to - from < FILES_PER_QUERY && files[to].partition === files[from].partition) to++;
    yield files.slice(from, to);
    from = to;
  }
}
function readParquet(dataDir, block) {
  const list = block.map(({ name }) => literal(join(dataDir, name))).join(", ");
  return `read_parquet([${list}], union_by_name = true, hive_partitioning = false, filename = '${FILE_COLUMN}')`;
}
async function contentProblems(client, { dataDir }, files) {
  const problems = [];
  for (const block of blocks(files)) {
    const rows = await allRows(
      client,
      `SELECT "${FILE_COLUMN}" AS file, count(*) AS rows, count(DISTINCT kafka_offset) AS offsets,
       min(kafka_offset) AS lowest, max(kafka_offset) AS highest,
       bool_and(kafka_partition = ${block[0].partition}) AS in_partition
       FROM ${readParquet(dataDir, block)} GROUP BY ALL`
    );
    const found = new Map(rows.map((row) => [relative(dataDir, String(row.file)), row]));
    for (const { name, rows: expected, start, next } of block) {
      const row = found.get(name);
      const [count, offsets, lowest, highest] = ["rows", "offsets", "lowest", "highest"].map(
        (key) => Number(row?.[key])
      );
      if (count !== expected)
        problems.push(`${name} has ${row === void 0 ? 0 : count} rows, the ledger says ${expected}`);
      else if (offsets !== count) problems.push(`${name} has ${count - offsets} offsets twice`);
      else if (lowest < start || highest >= next) problems.push(`${name} has offsets ${lowest} to ${highest}`);
      else if (row?.in_partition !== true) problems.push(`${name} has rows of another partition`);
    }
  }
  return problems;
}
async function rowProblems(client, scope, files) {
  const { dataDir } = scope;
  const table = identifier(scope.table);
  const tableColumns = (await allRows(client, `DESCRIBE ${table}`)).map(({ column_name }) => String(column_name));
  const problems = [];
  for (const block of blocks(files)) {
    const source = readParquet(dataDir, block);
    const fileColumns = new Set(
      (await allRows(client, `DESCRIBE FROM ${source}`)).map(({ column_name }) => column_name)
    );
    const hash = `hash(${tableColumns.filter((name) => fileColumns.has(name)).map(identifier).join(", ")})`;
    const ranges = block.map(({ start, next }) => `(kafka_offset >= ${start} AND kafka_offset < ${next})`);
    const [{ differing, example }] = await allRows(
      client,
      `SELECT count(*) AS differing, min(kafka_offset) AS example FROM (
         SELECT kafka_offset, ${hash} AS row_hash FROM ${table}
         WHERE kafka_partition = ${block[0].partition} AND (${mergeRanges(block) ?? ranges.join(" OR ")}))
       LEFT JOIN (SELECT kafka_offset, ${hash} AS file_hash FROM ${source}) USING (kafka_offset)
       WHERE row_hash IS DISTINCT FROM file_hash`
    );
    if (Number(differing) > 0) {
      problems.push(`partition ${block[0].partition}: ${differing} rows differ, the first at offset ${example}`);
    }
  }
  return problems;
}
function mergeRanges(block) {
  const contiguous = block.every(({ start }, index) => index === 0 || start === block[index - 1].next);
  return contiguous ? `kafka_offset >= ${block[0].start} AND kafka_offset < ${block[block.length - 1].next}` : void 0;
}

export {
  fileChecks,
  readLedger
};
//# sourceMappingURL=chunk-LO7CBCK4.js.map
