/** The Parquet files that the ledger names, and what else lies beside them. */
import { statSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { RemovedFile } from '../../core/flow.js';
import { type FileRange, listFiles, parquetRange, temporaryPath, topicFolder } from '../../storage/data-dir.js';
import { readJournal } from './commit-journal.js';

/** A file that the ledger names: of one batch, or of several that were joined. */
export interface LedgerFile extends FileRange {
  /** Relative to the data directory. */
  readonly name: string;
  readonly bytes: number;
  /** How many batches it holds. */
  readonly batches: number;
  readonly rows: number;
}

/** All files of the ledger, by partition and offset; a row is for `ledgerFile`. */
export const LEDGER_FILES = `SELECT file, file_bytes, partition_id, count(*) AS batches,
    sum(rows_consumed - rows_quarantined - rows_tombstone) AS rows,
    min(start_offset) AS "start", max(next_offset) AS "next"
  FROM sluice.batches WHERE file IS NOT NULL
  GROUP BY file, file_bytes, partition_id ORDER BY partition_id, "start"`;

/** A row of LEDGER_FILES, from whichever client. */
export function ledgerFile(row: Readonly<Record<string, unknown>>): LedgerFile {
  return {
    name: String(row.file),
    bytes: Number(row.file_bytes),
    partition: Number(row.partition_id),
    batches: Number(row.batches),
    rows: Number(row.rows),
    start: Number(row.start),
    next: Number(row.next),
  };
}

/** The offsets that the ledger has of each partition if they have no gap; a row is for `ledgerRange`. */
export const LEDGER_RANGES = `SELECT partition_id, min(start_offset) AS "start", max(next_offset) AS "next"
  FROM sluice.batches GROUP BY partition_id
  HAVING sum(next_offset - start_offset) = max(next_offset) - min(start_offset)`;

/** A row of LEDGER_RANGES, from whichever client. */
export function ledgerRange(row: Readonly<Record<string, unknown>>): FileRange {
  return { partition: Number(row.partition_id), start: Number(row.start), next: Number(row.next) };
}

/** What the ledger says of files. */
export interface LedgerState {
  readonly files: readonly LedgerFile[];
  readonly ranges: readonly FileRange[];
  /** The offsets of files that left because of their age. */
  readonly retired: readonly FileRange[];
  /** The number of the last commit. */
  readonly lastCommit: number;
}

/** How the files of a data directory differ from its ledger. Names are relative to the data directory. */
export interface FileDifferences {
  /** What one unfinished write, commit or join explains: it does not count, and can go. */
  readonly leftovers: readonly RemovedFile[];
  /** Parquet files that nothing explains. */
  readonly unexplained: readonly string[];
  /** Files of the ledger that are missing or have another size, each with what is wrong. */
  readonly damaged: readonly string[];
  /** Files of the ledger whose rewriting lacks its last step. */
  readonly rewritten: readonly string[];
}

/**
 * Compares the files below a topic's folder with the ledger. Files that are neither Parquet nor Sluice's temporary
 * files are not looked at: no reader of Parquet takes them for data.
 */
export function compareFiles(dataDir: string, topic: string, ledger: LedgerState): FileDifferences {
  const journal = readJournal(dataDir);
  const unfinished = new Set(journal?.commit === ledger.lastCommit + 1 ? journal.files : []);
  const damaged = ledger.files.flatMap((file) => sizeProblem(dataDir, file) ?? []);
  const whole = damaged.length === 0 ? ledger.files : ledger.files.filter((file) => !sizeProblem(dataDir, file));
  const rewritten = ledger.files.filter((file) => isRewritten(dataDir, file)).map(({ name }) => name);
  const known = new Set([...ledger.files.map(({ name }) => name), ...rewritten.map(temporaryPath)]);
  const leftovers: RemovedFile[] = [];
  const unexplained: string[] = [];
  for (const path of listFiles(topicFolder(dataDir, topic)).sort()) {
    const file = relative(dataDir, path);
    if (known.has(file)) continue;
    if (/(^|\/)\.[^/]*\.parquet\.tmp$/.test(file)) leftovers.push({ file, why: 'a write that was not finished' });
    else if (unfinished.has(file)) leftovers.push({ file, why: `commit ${journal?.commit} was not finished` });
    else if (hasLeft(file, ledger)) leftovers.push({ file, why: 'it has left (RETAIN_PARQUET)' });
    else if (isJoinLeftover(file, whole, ledger)) leftovers.push({ file, why: 'its rows are in other files (a join)' });
    else if (file.endsWith('.parquet')) unexplained.push(file);
  }
  return { leftovers, unexplained, damaged, rewritten };
}

/** @returns what is wrong with a file of the ledger */
export function sizeProblem(dataDir: string, file: LedgerFile): string | undefined {
  const { name, bytes } = file;
  const found = sizeOf(join(dataDir, name));
  if (found === bytes || isRewritten(dataDir, file)) return undefined;
  return found === undefined ? `${name} is missing` : `${name} has ${found} bytes, not ${bytes}`;
}

/** Whether the ledger means the file that is there under the temporary name, which only has to be renamed. */
function isRewritten(dataDir: string, { name, bytes }: LedgerFile): boolean {
  const path = join(dataDir, name);
  return sizeOf(path) !== bytes && sizeOf(temporaryPath(path)) === bytes;
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

function hasLeft(file: string, { retired }: LedgerState): boolean {
  const range = parquetRange(file);
  return retired.some(
    ({ partition, start, next }) => partition === range?.partition && start <= range.start && range.next <= next,
  );
}

/** A joined file that was not counted yet, or one of its parts that were not removed: its offsets are all counted. */
function isJoinLeftover(file: string, whole: readonly LedgerFile[], { files, ranges }: LedgerState): boolean {
  const range = parquetRange(file);
  if (range === undefined) return false;
  const overlaps = (other: FileRange) =>
    other.partition === range.partition && other.start < range.next && range.start < other.next;
  const isCounted = ranges.some(
    ({ partition, start, next }) => partition === range.partition && start <= range.start && range.next <= next,
  );
  const counted = files.filter(overlaps).length;
  return isCounted && counted > 0 && whole.filter(overlaps).length === counted;
}
