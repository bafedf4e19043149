/** The Parquet files against ledger and table. */
import { statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { identifier, literal } from '../core/sql.js';
import { allRows, type SqlClient } from '../query/sql-client.js';
import {
  compareFiles,
  LEDGER_FILES,
  LEDGER_RANGES,
  type LedgerFile,
  type LedgerState,
  ledgerFile,
  ledgerRange,
  sizeProblem,
} from '../sinks/duckdb/ledger-files.js';
import { markersOf } from '../sinks/duckdb/markers.js';
import { RETIRED_RANGES } from '../sinks/duckdb/retention-tables.js';
import { RETENTION_FORMAT } from '../storage/data-dir.js';
import { type CheckResult, counted, problemsOf, type VerifyScope } from './check.js';

const FILES_PER_QUERY = 200;
/** The name of a file as a column of its rows; no column of a spec can have this name. */
const FILE_COLUMN = 'the file';
/** A running process publishes files moments before the transaction that names them. */
const UNCOUNTED_FOR_MS = 60_000;

/** Runs all checks of files. */
export async function* fileChecks(client: SqlClient, scope: VerifyScope): AsyncGenerator<CheckResult> {
  const { dataDir } = scope;
  const checks: [name: string, check: FileCheck][] = [
    [
      'all Parquet files of the ledger are there, in full',
      async (files) => files.flatMap((file) => sizeProblem(dataDir, file) ?? []),
    ],
    [
      'each file has the rows of its batches, each offset once',
      (files) => contentProblems(client, scope, wholeFiles(dataDir, files)),
    ],
    [
      `every row of ${scope.table} is in the files, value by value`,
      (files) => rowProblems(client, scope, wholeFiles(dataDir, files)),
    ],
  ];
  const [{ format_version }] = await allRows(client, 'SELECT format_version FROM sluice.meta');
  // Until format 3 they were rows of the table.
  if (Number(format_version) >= 3) {
    checks.push(['every marker is in the files', (files) => markerProblems(client, scope, wholeFiles(dataDir, files))]);
  }
  for (const [name, check] of checks) {
    yield { name, problems: await problemsOf(() => onLedgerFiles(client, check)), notes: [] };
  }
  yield await strayCheck(client, scope);
}

type FileCheck = (files: readonly LedgerFile[]) => Promise<string[]>;

/** A check of the ledger's files. A running process may join files meanwhile: then it is made again. */
async function onLedgerFiles(client: SqlClient, check: FileCheck): Promise<string[]> {
  for (;;) {
    const files = await ledgerFiles(client);
    const problems = await problemsOf(() => check(files));
    if (problems.length === 0 || !client.live) return problems;
    const named = new Set((await ledgerFiles(client)).map(({ name }) => name));
    if (files.every(({ name }) => named.has(name))) return problems;
  }
}

async function ledgerFiles(client: SqlClient): Promise<LedgerFile[]> {
  return (await allRows(client, LEDGER_FILES)).map(ledgerFile);
}

/** Those that can be read; the others are reported by their size. */
function wholeFiles(dataDir: string, files: readonly LedgerFile[]): LedgerFile[] {
  return files.filter((file) => sizeProblem(dataDir, file) === undefined);
}

/** Files that the ledger does not name: what a start removes is a note, what it refuses a problem. */
async function strayCheck(client: SqlClient, { dataDir, topic }: VerifyScope): Promise<CheckResult> {
  const newest = client.live ? Date.now() - UNCOUNTED_FOR_MS : Number.POSITIVE_INFINITY;
  const isOld = (file: string) =>
    (statSync(join(dataDir, file), { throwIfNoEntry: false })?.mtimeMs ?? newest) < newest;
  const { leftovers, unexplained, rewritten } = compareFiles(dataDir, topic, await readLedger(client));
  return {
    name: 'there are no Parquet files that the ledger does not name',
    problems: await problemsOf(async () => unexplained.filter(isOld)),
    notes: await problemsOf(async () => [
      ...leftovers.filter(({ file }) => isOld(file)).map(({ file, why }) => `the next start removes ${file}: ${why}`),
      ...rewritten.map((file) => `the next start puts the new ${file} in place: its rewriting was not finished`),
    ]),
  };
}

/** What the ledger says of files; directories of format 1 do not number their commits. */
export async function readLedger(client: SqlClient): Promise<LedgerState> {
  const [{ format_version }] = await allRows(client, 'SELECT format_version FROM sluice.meta');
  const last = Number(format_version) < 2 ? '0' : '(SELECT max(commit_id) FROM sluice.batches)';
  const hasRetired = Number(format_version) >= RETENTION_FORMAT;
  const [{ commit }] = await allRows(client, `SELECT ${last} AS commit`);
  return {
    files: await ledgerFiles(client),
    ranges: (await allRows(client, LEDGER_RANGES)).map(ledgerRange),
    retired: hasRetired ? (await allRows(client, RETIRED_RANGES)).map(ledgerRange) : [],
    lastCommit: Number(commit ?? 0),
  };
}

/** Blocks of files of one partition, so that a statement stays small. */
function* blocks(files: readonly LedgerFile[]): Generator<LedgerFile[]> {
  for (let from = 0; from < files.length; ) {
    let to = from;
    while (to < files.length && to - from < FILES_PER_QUERY && files[to].partition === files[from].partition) to++;
    yield files.slice(from, to);
    from = to;
  }
}

function readParquet(dataDir: string, block: readonly LedgerFile[]): string {
  const list = block.map(({ name }) => literal(join(dataDir, name))).join(', ');
  return `read_parquet([${list}], union_by_name = true, hive_partitioning = false, filename = '${FILE_COLUMN}')`;
}

async function contentProblems(client: SqlClient, { dataDir }: VerifyScope, files: readonly LedgerFile[]) {
  const problems: string[] = [];
  for (const block of blocks(files)) {
    const rows = await allRows(
      client,
      `SELECT "${FILE_COLUMN}" AS file, count(*) AS rows, count(DISTINCT kafka_offset) AS offsets,
       min(kafka_offset) AS lowest, max(kafka_offset) AS highest,
       bool_and(kafka_partition = ${block[0].partition}) AS in_partition
       FROM ${readParquet(dataDir, block)} GROUP BY ALL`,
    );
    const found = new Map(rows.map((row) => [relative(dataDir, String(row.file)), row]));
    for (const { name, rows: expected, start, next } of block) {
      const row = found.get(name);
      const [count, offsets, lowest, highest] = ['rows', 'offsets', 'lowest', 'highest'].map((key) =>
        Number(row?.[key]),
      );
      // All rows of the file may be forgotten.
      if (row === undefined && expected === 0) continue;
      if (count !== expected)
        problems.push(`${name} has ${row === undefined ? 0 : count} rows, the ledger says ${expected}`);
      else if (offsets !== count) problems.push(`${name} has ${count - offsets} offsets twice`);
      else if (lowest < start || highest >= next) problems.push(`${name} has offsets ${lowest} to ${highest}`);
      else if (row?.in_partition !== true) problems.push(`${name} has rows of another partition`);
    }
  }
  return problems;
}

async function rowProblems(client: SqlClient, scope: VerifyScope, files: readonly LedgerFile[]) {
  const { dataDir } = scope;
  const table = identifier(scope.table);
  const tableColumns = (await allRows(client, `DESCRIBE ${table}`)).map(({ column_name }) => String(column_name));
  const problems: string[] = [];
  for (const block of blocks(files)) {
    const source = readParquet(dataDir, block);
    const fileColumns = new Set(
      (await allRows(client, `DESCRIBE FROM ${source}`)).map(({ column_name }) => column_name),
    );
    const hash = `hash(${tableColumns
      .filter((name) => fileColumns.has(name))
      .map(identifier)
      .join(', ')})`;
    const ranges = block.map(({ start, next }) => `(kafka_offset >= ${start} AND kafka_offset < ${next})`);
    const [{ differing, example }] = await allRows(
      client,
      `SELECT count(*) AS differing, min(kafka_offset) AS example FROM (
         SELECT kafka_offset, ${hash} AS row_hash FROM ${table}
         WHERE kafka_partition = ${block[0].partition} AND (${mergeRanges(block) ?? ranges.join(' OR ')}))
       LEFT JOIN (SELECT kafka_offset, ${hash} AS file_hash FROM ${source}) USING (kafka_offset)
       WHERE row_hash IS DISTINCT FROM file_hash`,
    );
    if (Number(differing) > 0) {
      problems.push(`partition ${block[0].partition}: ${differing} rows differ, the first at offset ${example}`);
    }
  }
  return problems;
}

async function markerProblems(client: SqlClient, { dataDir, spec, topic }: VerifyScope, files: readonly LedgerFile[]) {
  const problems: string[] = [];
  for (const block of blocks(files)) {
    const [{ partition, start }, { next }] = [block[0], block[block.length - 1]];
    const markers = `FROM sluice.markers
      WHERE partition_id = ${partition} AND message_offset >= ${start} AND message_offset < ${next}`;
    // Few files have any: of the others nothing is read.
    if ((await allRows(client, `${markers} LIMIT 1`)).length === 0) continue;
    const [{ differing, example }] = await allRows(
      client,
      `SELECT count(*) AS differing, min(message_offset) AS example
       FROM (${markers} EXCEPT ${markersOf(spec, topic, readParquet(dataDir, block))})`,
    );
    if (Number(differing) > 0) {
      const what = counted(Number(differing), 'marker');
      problems.push(`partition ${partition}: ${what} not in the files, the first at offset ${example}`);
    }
  }
  return problems;
}

/** One condition for a block whose ranges have no gap between them; undefined if they have one. */
function mergeRanges(block: readonly LedgerFile[]): string | undefined {
  const contiguous = block.every(({ start }, index) => index === 0 || start === block[index - 1].next);
  return contiguous
    ? `kafka_offset >= ${block[0].start} AND kafka_offset < ${block[block.length - 1].next}`
    : undefined;
}
