/**
 * The proof: ledger, Parquet files, DuckDB and Kafka checked against each other. Every check reads what it compares in
 * one statement, so that it also holds while a process commits.
 */
import { statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { SluiceError } from './errors.js';
import { listFiles } from './recovery.js';
import { identifier, literal } from './sql.js';
import { allRows, type SqlClient } from './sql-client.js';

export interface CheckResult {
  readonly name: string;
  /** What does not agree and where, at most MAX_PROBLEMS of them; empty where all agrees. */
  readonly problems: readonly string[];
}

export interface VerifyScope {
  /** Absolute. */
  readonly dataDir: string;
  readonly topic: string;
  readonly table: string;
  readonly changeId: string;
}

/** Offsets that a partition has in Kafka now. */
export interface KafkaRange {
  readonly partition: number;
  readonly low: number;
  readonly high: number;
}

const MAX_PROBLEMS = 10;
const FILES_PER_QUERY = 200;
/** The name of a file as a column of its rows; no column of a spec can have this name. */
const FILE_COLUMN = 'the file';
/** A running process publishes files moments before the transaction that names them. */
const UNCOUNTED_FOR_MS = 60_000;

/** Statements that give a row per problem: its text. */
function statements(scope: VerifyScope): { name: string; sql: string }[] {
  const table = identifier(scope.table);
  const changeId = identifier(scope.changeId);
  return [
    {
      name: 'the ranges of each partition are contiguous',
      sql: `SELECT format('partition {}: a batch starts at {}, the one before it ends at {}',
          partition_id, start_offset, before)
        FROM (SELECT *, lag(next_offset) OVER (PARTITION BY partition_id ORDER BY start_offset, next_offset) AS before
          FROM sluice.batches) WHERE before <> start_offset OR next_offset <= start_offset`,
    },
    {
      name: 'consumed = merged + duplicate + quarantined + tombstone in each batch',
      sql: `SELECT format('partition {}, offsets {} to {}: consumed {}',
          partition_id, start_offset, next_offset, rows_consumed)
        FROM sluice.batches
        WHERE rows_consumed <> rows_merged + rows_duplicate + rows_quarantined + rows_tombstone
          OR least(rows_merged, rows_duplicate, rows_quarantined, rows_tombstone) < 0`,
    },
    {
      name: 'each position is where the last batch of its partition ends',
      sql: `SELECT format('partition {}: the position is {}, the ledger ends at {}', partition_id,
          coalesce(p.next_offset::VARCHAR, 'gone'), b.last)
        FROM (SELECT partition_id, max(next_offset) AS last FROM sluice.batches GROUP BY ALL) b
        LEFT JOIN sluice.positions p USING (partition_id) WHERE p.next_offset IS DISTINCT FROM b.last`,
    },
    {
      name: `${scope.table} has the rows that the ledger counts as merged`,
      sql: `SELECT format('partition {}: {} rows, the ledger says {}', kafka_partition,
          coalesce(rows, 0), coalesce(merged, 0))
        FROM (SELECT kafka_partition, count(*) AS rows FROM ${table} GROUP BY ALL)
        FULL JOIN (SELECT partition_id AS kafka_partition, sum(rows_merged) AS merged FROM sluice.batches GROUP BY ALL)
        USING (kafka_partition) WHERE coalesce(rows, 0) <> coalesce(merged, 0)`,
    },
    {
      name: `${scope.changeId} is unique in ${scope.table}`,
      sql: `SELECT format('{} is there {} times', ${changeId}, count(*)) FROM ${table} GROUP BY ${changeId}
        HAVING count(*) > 1 LIMIT ${MAX_PROBLEMS}`,
    },
    {
      name: 'the quarantine has the messages that the ledger counts as quarantined',
      sql: `SELECT format('partition {}: {} messages, the ledger says {}', partition_id,
          coalesce(messages, 0), coalesce(quarantined, 0))
        FROM (SELECT partition_id, count(*) AS messages FROM sluice.quarantine GROUP BY ALL)
        FULL JOIN (SELECT partition_id, sum(rows_quarantined) AS quarantined FROM sluice.batches GROUP BY ALL)
        USING (partition_id) WHERE coalesce(messages, 0) <> coalesce(quarantined, 0)`,
    },
  ];
}

/** Runs all checks that need no Kafka. */
export async function* checks(client: SqlClient, scope: VerifyScope): AsyncGenerator<CheckResult> {
  for (const { name, sql } of statements(scope)) {
    const check = async () => (await allRows(client, sql)).map((row) => String(Object.values(row)[0]));
    yield { name, problems: await problemsOf(check) };
  }
  const fileChecks: [name: string, check: FileCheck][] = [
    ['all Parquet files of the ledger are there, in full', async (files) => sizeProblems(scope, files)],
    ['there are no Parquet files that the ledger does not name', async (files) => strayFiles(client, scope, files)],
    [
      'each file has the rows of its batches, each offset once',
      (files) => contentProblems(client, scope, wholeFiles(scope, files)),
    ],
    [
      `every row of ${scope.table} is in the files, value by value`,
      (files) => rowProblems(client, scope, wholeFiles(scope, files)),
    ],
  ];
  for (const [name, check] of fileChecks) {
    const problems = await problemsOf(() => onLedgerFiles(client, check));
    yield { name, problems };
  }
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

/** What a check finds. A query that fails finds something too: a damaged file or table cannot be read. */
async function problemsOf(check: () => Promise<string[]>): Promise<string[]> {
  try {
    return (await check()).slice(0, MAX_PROBLEMS);
  } catch (thrown) {
    if (thrown instanceof SluiceError && thrown.code === 'SLUICE_QUERY') return [thrown.message];
    throw thrown;
  }
}

/** Compares the positions with what Kafka has. */
export async function checkKafka(client: SqlClient, ranges: readonly KafkaRange[]): Promise<CheckResult> {
  const rows = await allRows(client, 'SELECT partition_id, next_offset FROM sluice.positions');
  const positions = new Map(rows.map(({ partition_id, next_offset }) => [Number(partition_id), Number(next_offset)]));
  const problems = ranges.flatMap(({ partition, low, high }) => {
    const position = positions.get(partition);
    if (position === undefined || (position >= low && position <= high)) return [];
    return [`partition ${partition}: the position is ${position}, Kafka has ${low} to ${high}`];
  });
  return { name: 'each position is within what Kafka has', problems };
}

/** A Parquet file, of one batch or of several that were joined. */
interface LedgerFile {
  readonly name: string;
  readonly bytes: number;
  readonly rows: number;
  readonly partition: number;
  readonly start: number;
  readonly next: number;
}

async function ledgerFiles(client: SqlClient): Promise<LedgerFile[]> {
  const rows = await allRows(
    client,
    `SELECT file, file_bytes, partition_id, sum(rows_merged + rows_duplicate) AS rows,
     min(start_offset) AS start_offset, max(next_offset) AS next_offset
     FROM sluice.batches WHERE file IS NOT NULL
     GROUP BY file, file_bytes, partition_id ORDER BY partition_id, min(start_offset)`,
  );
  return rows.map(({ file, file_bytes, rows, partition_id, start_offset, next_offset }) => ({
    name: String(file),
    bytes: Number(file_bytes),
    rows: Number(rows),
    partition: Number(partition_id),
    start: Number(start_offset),
    next: Number(next_offset),
  }));
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

/** Those that can be read; the others are reported by their size. */
function wholeFiles({ dataDir }: VerifyScope, files: readonly LedgerFile[]): LedgerFile[] {
  return files.filter(({ bytes, name }) => sizeOf(join(dataDir, name)) === bytes);
}

function sizeProblems({ dataDir }: VerifyScope, files: readonly LedgerFile[]): string[] {
  const problems: string[] = [];
  for (const { name, bytes } of files) {
    const found = sizeOf(join(dataDir, name));
    if (found === bytes || problems.length === MAX_PROBLEMS) continue;
    problems.push(found === undefined ? `${name} is missing` : `${name} has ${found} bytes, not ${bytes}`);
  }
  return problems;
}

function strayFiles(client: SqlClient, { dataDir, topic }: VerifyScope, files: readonly LedgerFile[]): string[] {
  const known = new Set(files.map(({ name }) => name));
  const newest = client.live ? Date.now() - UNCOUNTED_FOR_MS : Number.POSITIVE_INFINITY;
  return listFiles(join(dataDir, 'parquet', topic))
    .filter((path) => !known.has(relative(dataDir, path)))
    .filter((path) => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? newest) < newest)
    .slice(0, MAX_PROBLEMS)
    .map((path) => relative(dataDir, path));
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

/** One condition for a block whose ranges have no gap between them; undefined where they have. */
function mergeRanges(block: readonly LedgerFile[]): string | undefined {
  const contiguous = block.every(({ start }, index) => index === 0 || start === block[index - 1].next);
  return contiguous
    ? `kafka_offset >= ${block[0].start} AND kafka_offset < ${block[block.length - 1].next}`
    : undefined;
}
