/** The Parquet files of a topic, read for what they say without a database: which of them hold each message once. */
import { statSync } from 'node:fs';
import { relative } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { BATCH_STAT_LIST, type BatchStats, NO_STATS, type StatName } from '../../core/batch-stats.js';
import { asSluiceError, SluiceError } from '../../core/errors.js';
import { STATUSES } from '../../core/flow.js';
import { literal, rowsOf } from '../../core/sql.js';
import { type FileRange, listFiles, parquetRange, SCHEMA_IDS_KEY, topicFolder } from '../../storage/data-dir.js';
import { type CommitJournal, readJournal } from './commit-journal.js';

const REJECTED = STATUSES.filter((status) => status !== 'ok' && status !== 'tombstone');
/** SQL: what the rows of a file tell about the counters of its batches. */
const ROW_COUNTS = BATCH_STAT_LIST.flatMap(([name, { predicate }]) =>
  predicate === undefined ? [] : [`count(*) FILTER (${predicate}) AS count_${name}`],
).join(', ');

/** A file as its rows and its key-value metadata tell it. */
export interface InventoryFile extends FileRange {
  /** Absolute. */
  readonly path: string;
  /** Relative to the data directory. */
  readonly name: string;
  readonly bytes: number;
  readonly rows: number;
  /** What is counted of its batches, as far as it tells. */
  readonly stats: BatchStats;
  /** Whether it says what became of messages that are no rows: joined files of format 1 do not. */
  readonly countsAll: boolean;
  readonly leaderEpoch: number | undefined;
  /** Those that its messages name. */
  readonly schemaIds: readonly number[];
  /** Of the data directory when the file was written. */
  readonly format: number;
}

export interface Inventory {
  /** Files that do not overlap and hold all rows, by partition and offset. */
  readonly files: readonly InventoryFile[];
  /** Files whose rows are in those, relative to the data directory. */
  readonly redundant: readonly string[];
  /** Files of a commit that was not finished, some of which are not there: their messages are to be read again. */
  readonly unfinished: readonly string[];
}

/**
 * Reads all files of the topic.
 * @throws SluiceError SLUICE_UNEXPLAINED_FILES if a file cannot be read, is not what its name says, or contradicts
 * another one
 */
export async function takeInventory(connection: DuckDBConnection, dataDir: string, topic: string): Promise<Inventory> {
  const paths = listFiles(topicFolder(dataDir, topic)).filter((path) => path.endsWith('.parquet'));
  const unfinished = unfinishedFiles(readJournal(dataDir), new Set(paths.map((path) => relative(dataDir, path))));
  const readable: InventoryFile[] = [];
  const damaged: { range: FileRange | undefined; name: string; problem: string }[] = [];
  for (const path of paths.sort()) {
    const name = relative(dataDir, path);
    if (unfinished.includes(name)) continue;
    try {
      readable.push(await readFile(connection, { path, name, topic }));
    } catch (thrown) {
      damaged.push({ range: parquetRange(path), name, problem: (thrown as Error).message });
    }
  }
  const files = mostRows(readable);
  const redundant: string[] = [];
  for (const file of readable.filter((other) => !files.includes(other))) {
    await checkRedundant(connection, file, files);
    redundant.push(file.name);
  }
  for (const { range, name, problem } of damaged) {
    if (range === undefined || !isCovered(range, files)) throw refusal(`${name} cannot be used: ${problem}`);
    redundant.push(name);
  }
  return { files, redundant, unfinished };
}

function refusal(what: string): SluiceError {
  return new SluiceError(
    'SLUICE_UNEXPLAINED_FILES',
    `${what}. Nothing was changed. Put a whole file in its place; or move it away: what it alone had is then left ` +
      'out, and recorded so unless it comes after all other files, whose end is where reading from Kafka continues',
  );
}

/** The files of the journal's commit, if not all of them got their final names: then some of its rows are missing. */
function unfinishedFiles(journal: CommitJournal | undefined, existing: ReadonlySet<string>): readonly string[] {
  if (journal === undefined || journal.files.every((name) => existing.has(name))) return [];
  return journal.files.filter((name) => existing.has(name));
}

/** @throws if it cannot be read, or is not what its name says */
async function readFile(
  connection: DuckDBConnection,
  { path, name, topic }: { path: string; name: string; topic: string },
): Promise<InventoryFile> {
  const range = parquetRange(path);
  if (range === undefined) throw new Error('Sluice gives no such name');
  const [stats] = await rowsOf(
    connection,
    `SELECT count(*) AS rows, count(DISTINCT kafka_offset) AS offsets, min(kafka_offset) AS lowest,
       max(kafka_offset) AS highest, bool_and(kafka_partition = ${range.partition}) AS in_partition, ${ROW_COUNTS}
     FROM ${parquet([path])}`,
  );
  const entries = await rowsOf(
    connection,
    `SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata(${literal(path)})`,
  );
  const metadata = new Map(entries.map(({ key, value }) => [String(key), String(value)]));
  const number = (key: string) => (metadata.has(`sluice.${key}`) ? Number(metadata.get(`sluice.${key}`)) : undefined);
  const rows = Number(stats.rows);
  if (metadata.get('sluice.topic') !== topic) throw new Error(`it is of the topic ${metadata.get('sluice.topic')}`);
  if (rows !== (number('messages_ok') ?? rows)) throw new Error(`it has ${rows} rows, not ${number('messages_ok')}`);
  if (rows > 0) checkOffsets(range, stats);
  // All rows of a file may be forgotten: only its metadata can say so.
  else if (number('messages_ok') === undefined) throw new Error('it has no rows, and does not say why');
  const counted = BATCH_STAT_LIST.flatMap(([name, { metadata: key, predicate }]): [StatName, number][] => {
    const said = key === undefined ? undefined : number(key);
    const count = said ?? (predicate === undefined ? undefined : Number(stats[`count_${name}`]));
    return count === undefined ? [] : [[name, count]];
  });
  const known: BatchStats = { ...NO_STATS, ...Object.fromEntries(counted) };
  // Files of a batch once told the quarantined messages by status only.
  const byStatus = REJECTED.map((status) => number(`messages_${status}`)).filter((count) => count !== undefined);
  const sum = byStatus.length === 0 ? undefined : byStatus.reduce((total, count) => total + count);
  const quarantined = number('messages_quarantined') ?? sum;
  const countsAll = number('messages_tombstone') !== undefined && quarantined !== undefined;
  return {
    ...range,
    path,
    name,
    bytes: statSync(path).size,
    rows,
    stats: withMessages({ ...known, quarantined: quarantined ?? 0 }),
    countsAll,
    leaderEpoch: number('leader_epoch'),
    schemaIds: metadata.get(SCHEMA_IDS_KEY)?.split(' ').map(Number) ?? [],
    format: number('format') ?? 1,
  };
}

/** @throws if rows are not of the offsets that their file's name says */
function checkOffsets({ start, next }: FileRange, stats: Record<string, unknown>): void {
  const { rows, offsets, in_partition, lowest, highest } = stats;
  if (rows !== offsets || in_partition !== true) throw new Error('its offsets are not its own');
  if (Number(lowest) < start || Number(highest) >= next) throw new Error(`it has the offsets ${lowest} to ${highest}`);
}

/** Every message became a row, was quarantined or is a tombstone. */
function withMessages(stats: BatchStats): BatchStats {
  return { ...stats, messages: stats.ok + stats.quarantined + stats.tombstone };
}

/** SQL relation of the rows of files. */
export function parquet(paths: readonly string[]): string {
  return `read_parquet([${paths.map(literal).join(', ')}], union_by_name = true, hive_partitioning = false)`;
}

/**
 * Of each partition the files without overlap that have the most rows, of equal sets the one of most offsets, which has
 * files without rows too, then of fewest files: before the swap of a join its parts or the joined file, after it the
 * joined one.
 */
export function mostRows<F extends FileRange & { readonly rows: number }>(all: readonly F[]): F[] {
  const chosen: F[] = [];
  for (const partition of [...new Set(all.map((file) => file.partition))].sort((a, b) => a - b)) {
    const files = all.filter((file) => file.partition === partition).sort((a, b) => a.next - b.next);
    /** The best choice among the first so many files. */
    const best = [{ rows: 0, offsets: 0, files: 0, last: -1, before: -1 }];
    for (const [index, file] of files.entries()) {
      let before = index;
      while (before > 0 && files[before - 1].next > file.start) before--;
      const taken = {
        rows: best[before].rows + file.rows,
        offsets: best[before].offsets + file.next - file.start,
        files: best[before].files + 1,
        last: index,
        before,
      };
      const left = best[index];
      const gain = taken.rows - left.rows || taken.offsets - left.offsets || left.files - taken.files;
      best.push(gain > 0 ? taken : left);
    }
    const chain: F[] = [];
    for (let at = best[files.length]; at.last >= 0; at = best[at.before]) chain.push(files[at.last]);
    chosen.push(...chain.reverse());
  }
  return chosen;
}

/** @throws SluiceError SLUICE_UNEXPLAINED_FILES if a file has rows that the chosen ones do not have */
async function checkRedundant(connection: DuckDBConnection, file: InventoryFile, chosen: readonly InventoryFile[]) {
  const others = chosen.filter(
    ({ partition, start, next }) => partition === file.partition && start < file.next && file.start < next,
  );
  try {
    const [{ missing }] = await rowsOf(
      connection,
      `SELECT count(*) AS missing FROM ${parquet([file.path])}
       ANTI JOIN ${parquet(others.map(({ path }) => path))} USING (kafka_offset)`,
    );
    if (Number(missing) === 0) return;
  } catch (thrown) {
    throw asSluiceError(thrown, 'SLUICE_SINK', `${file.name} cannot be compared`);
  }
  throw refusal(
    `${file.name} overlaps ${others.map(({ name }) => name).join(' and ')}, which do not have all its rows`,
  );
}

function isCovered(range: FileRange, files: readonly FileRange[]): boolean {
  let at = range.start;
  for (const { partition, start, next } of files) {
    if (partition === range.partition && start <= at && next > at) at = next;
  }
  return at >= range.next;
}
