/**
 * Takes messages out of the quarantine that are rows now, exactly once. Their rows go where they had been if they had
 * been rows at first: into the file that has the offsets around them, or one of their batch's own if there is none.
 *
 *   1. begin   rows into the change log, out of the quarantine; the ledger's batches count them as rows;
 *              sluice.replays says what became of each
 *   2. COPY    the file with the rows in it, in offset order, under its temporary name; fsync
 *   3. commit  with the size of the new file in the ledger
 *   4. rename  over the old file
 *
 * One transaction for each file. Killed before the COMMIT, nothing has changed, and the new file is an unfinished
 * write; killed after it, the next start renames it, as after the rewriting of a file (compaction.ts).
 */
import { renameSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { combineStats } from '../../core/batch-stats.js';
import { sinkError } from '../../core/errors.js';
import { AHEAD_MS } from '../../core/event-time.js';
import type { BatchResult, ParquetFile, RemovedFile } from '../../core/flow.js';
import { literal, rowsOf } from '../../core/sql.js';
import { specHash } from '../../schema/spec-hash.js';
import { databasePath, type FileRange, parquetPath, sync } from '../../storage/data-dir.js';
import { stageOfOtherSize } from '../../storage/staged-file.js';
import { type DatabaseOptions, openDatabase } from './database.js';
import { type ChangeLog, changeLog, insertNew, NO_SEQUENCE } from './duplicates.js';
import { parquet } from './file-inventory.js';
import { type JoinedFileOptions, writeJoinedFile } from './joined-file.js';
import { LEDGER_FILES, type LedgerFile } from './ledger-files.js';
import { type DirectoryOptions, openDirectory } from './opening.js';
import { withdraw } from './recovery.js';
import { hasRetention, mergedIds } from './retention-tables.js';

export interface ReplayOptions extends DatabaseOptions, DirectoryOptions, JoinedFileOptions {
  /** SQL: which rows of `sluice.quarantine` are meant. */
  readonly condition: string;
}

/** A file of the ledger, or the one that a batch without rows would get, and its batches with quarantined messages. */
export interface ReplayPlace extends FileRange {
  /** Undefined: none has its offsets. */
  readonly file: LedgerFile | undefined;
  readonly batches: readonly FileRange[];
}

/** What became of the messages of a place. */
export interface ReplayOutcome {
  readonly merged: number;
  readonly duplicate: number;
  readonly marker: number;
  readonly tombstone: number;
}

/** A row for each message that a replay took; older versions do without the table. */
const REPLAYS = `CREATE TABLE IF NOT EXISTS sluice.replays (
  topic VARCHAR NOT NULL, partition_id INTEGER NOT NULL, message_offset BIGINT NOT NULL, reason VARCHAR NOT NULL,
  outcome VARCHAR NOT NULL, spec_hash VARCHAR NOT NULL, replayed_at TIMESTAMPTZ NOT NULL)`;

/** SQL: by file, the batches that have messages which are meant. */
function placesQuery(condition: string): string {
  return `WITH "the batches" AS (
      SELECT DISTINCT b.partition_id, b.start_offset, b.next_offset
      FROM (FROM sluice.quarantine WHERE ${condition}) q JOIN sluice.batches b
        ON b.partition_id = q.partition_id AND b.start_offset <= message_offset AND message_offset < b.next_offset)
    SELECT b.partition_id, start_offset, next_offset, file, file_bytes, f."start", f."next", f.batches, f.rows
    FROM "the batches" b LEFT JOIN (${LEDGER_FILES}) f
      ON f.partition_id = b.partition_id AND f."start" <= start_offset AND next_offset <= f."next"
    ORDER BY b.partition_id, start_offset`;
}

/** Where the messages are that are meant; for any client. @param all gives the rows of a query */
export async function replayPlaces(
  all: (sql: string) => Promise<Record<string, unknown>[]>,
  condition: string,
): Promise<ReplayPlace[]> {
  const places = new Map<string, ReplayPlace & { batches: FileRange[] }>();
  for (const row of await all(placesQuery(condition))) {
    const batch = {
      partition: Number(row.partition_id),
      start: Number(row.start_offset),
      next: Number(row.next_offset),
    };
    const isInFile = row.file !== null;
    const range = isInFile ? { ...batch, start: Number(row.start), next: Number(row.next) } : batch;
    const counts = { batches: Number(row.batches), rows: Number(row.rows) };
    const file = isInFile ? { ...range, ...counts, name: String(row.file), bytes: Number(row.file_bytes) } : undefined;
    const key = `${range.partition}/${range.start}`;
    const place = places.get(key) ?? { ...range, file, batches: [] };
    place.batches.push(batch);
    places.set(key, place);
  }
  return [...places.values()];
}

/** SQL: the messages of a batch that are meant, in offset order. Bytes are in hexadecimal. */
export function messagesOf({ partition, start, next }: FileRange, condition: string): string {
  return `SELECT topic, partition_id, message_offset, hex(key) AS key, hex(value) AS value, reason,
      epoch_ms(kafka_timestamp) AS "time"
    FROM sluice.quarantine WHERE partition_id = ${partition} AND message_offset >= ${start} AND message_offset < ${next}
      AND (${condition}) ORDER BY message_offset`;
}

/** The replay of one data directory, which it holds as a run does. */
export class Replay {
  readonly #options: ReplayOptions;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #log: ChangeLog;
  /** What an unfinished commit, join or write had left. */
  readonly removed: readonly RemovedFile[];
  /** The bit of `issues` that each column of the spec has. */
  readonly issueBits: readonly number[];

  private constructor(
    options: ReplayOptions,
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    log: ChangeLog,
    opened: Pick<Replay, 'removed' | 'issueBits'>,
  ) {
    this.#options = options;
    this.#instance = instance;
    this.#connection = connection;
    this.#log = log;
    this.removed = opened.removed;
    this.issueBits = opened.issueBits;
  }

  /** Does what a start does: brings the tables in line with the spec. @throws SluiceError as `openDirectory` */
  static async open(options: ReplayOptions): Promise<Replay> {
    const instance = await openDatabase(databasePath(options.dataDir), options);
    const connection = await instance.connect();
    try {
      const opened = await openDirectory(connection, options);
      const log = changeLog(options.topic, options.spec);
      const [{ highest }] = await rowsOf(connection, `SELECT max(change_seq) AS highest FROM ${log.table}`);
      log.maxChangeSeq = (highest as bigint | null) ?? NO_SEQUENCE;
      if (await hasRetention(connection)) log.known = mergedIds(log);
      return new Replay(options, instance, connection, log, opened);
    } catch (thrown) {
      connection.closeSync();
      instance.closeSync();
      throw sinkError(thrown, 'the data directory cannot be opened');
    }
  }

  rows(sql: string): Promise<Record<string, unknown>[]> {
    return rowsOf(this.#connection, sql);
  }

  /**
   * Commits what became of messages of a place.
   * @param results a batch of the place each, made of the messages that are meant; their files can go then
   * @throws SluiceError SLUICE_DATA_DIR or SLUICE_SINK; of what was not committed nothing has changed
   */
  async commit(place: ReplayPlace, results: readonly BatchResult[]): Promise<ReplayOutcome> {
    let file: ParquetFile | undefined;
    let written: readonly BatchResult[];
    try {
      await this.#run(`BEGIN; ${REPLAYS}`);
      written = await insertNew(this.#connection, this.#log, relationOf(results), results);
      for (const result of written) await this.#count(result);
      file = await this.#stage(place, results);
      await this.#moveWatermark(place, results);
    } catch (thrown) {
      await this.#run('ROLLBACK').catch(() => {});
      if (file !== undefined) withdraw([{ ...file, path: file.tempPath }]);
      throw sinkError(thrown, `messages of partition ${place.partition} cannot be taken out of the quarantine`);
    }
    try {
      await this.#run('COMMIT');
      if (file !== undefined) {
        renameSync(file.tempPath, file.path);
        sync(dirname(file.path));
      }
    } catch (thrown) {
      throw sinkError(thrown, 'a replay cannot be committed; the next start finishes or undoes it');
    }
    const { maxChangeSeq = NO_SEQUENCE, ...stats } = combineStats(written.map((result) => result.stats));
    if (maxChangeSeq > this.#log.maxChangeSeq) this.#log.maxChangeSeq = maxChangeSeq;
    return stats;
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }

  /** Moves the messages of a batch that were taken from the quarantine to the rest of the ledger. */
  async #count({ partition, startOffset, nextOffset, quarantined, file, stats }: BatchResult): Promise<void> {
    const { topic, spec, condition } = this.#options;
    const range = (offset: string) => `${offset} >= ${startOffset} AND ${offset} < ${nextOffset}`;
    const inTable = (table: string, offset: string, where: string) =>
      `message_offset IN (SELECT ${offset} FROM ${table} WHERE ${where} AND ${range(offset)})`;
    const bad = quarantined.length === 0 ? '' : `AND message_offset NOT IN (${offsetsOf(quarantined)})`;
    const taken = `partition_id = ${partition} AND ${range('message_offset')} AND (${condition}) ${bad}`;
    const isRow = file === undefined ? 'false' : inTable(relationOf([{ file }]), 'kafka_offset', 'true');
    await this.#run(
      `INSERT INTO sluice.replays SELECT topic, partition_id, message_offset, reason,
         CASE WHEN ${inTable(this.#log.table, 'kafka_offset', `kafka_partition = ${partition}`)} THEN 'merged'
           WHEN ${inTable('sluice.markers', 'message_offset', `partition_id = ${partition}`)} THEN 'marker'
           WHEN ${isRow} THEN 'duplicate' ELSE 'tombstone' END,
         ${literal(specHash(spec))}, now()
       FROM sluice.quarantine WHERE ${taken};
       DELETE FROM sluice.quarantine WHERE ${taken}`,
    );
    const count = stats.ok + stats.tombstone;
    // A ledger that a recovery made may not know of messages that were not in any file.
    await this.#run(
      `UPDATE sluice.batches SET rows_consumed = rows_consumed + greatest(0, ${count} - rows_quarantined),
         rows_quarantined = greatest(0, rows_quarantined - ${count}), rows_merged = rows_merged + ${stats.merged},
         rows_duplicate = rows_duplicate + ${stats.duplicate}, rows_marker = rows_marker + ${stats.marker},
         rows_tombstone = rows_tombstone + ${stats.tombstone}, rows_late = rows_late + ${stats.rowsLate},
         rows_with_issues = rows_with_issues + ${stats.rowsWithIssues}
       WHERE topic = ${literal(topic)} AND partition_id = ${partition} AND start_offset = ${startOffset}
         AND next_offset = ${nextOffset}`,
    );
  }

  /** Writes the place's file with the new rows, and its size into the ledger. @returns undefined if there are none */
  async #stage(place: ReplayPlace, results: readonly BatchResult[]): Promise<ParquetFile | undefined> {
    const { dataDir, topic } = this.#options;
    const withRows = results.filter((result) => result.file !== undefined);
    if (withRows.length === 0) return undefined;
    const paths = withRows.map((result) => result.file!.tempPath);
    const { partition, start, next } = place;
    const path = place.file ? join(dataDir, place.file.name) : parquetPath(dataDir, topic, partition, start, next);
    // Of a new file, the first of those tells what its metadata says.
    const [first, ...others] = paths;
    const known = place.file ?? { ...place, name: relative(dataDir, first), bytes: 0, batches: 1, rows: 0 };
    const added = place.file === undefined ? others : paths;
    const file = await stageOfOtherSize(path, place.file?.bytes, (tempPath, mark) => {
      const extra = { paths: added, metadata: new Map([['sluice.replayed', mark]]) };
      return writeJoinedFile(this.#connection, this.#options, [known], tempPath, extra);
    });
    for (const folder of [dirname(path), dirname(dirname(path))]) sync(folder);
    const starts = withRows.map(({ startOffset }) => startOffset).join(', ');
    const isNamed = place.file === undefined ? 'false' : `file = ${literal(place.file.name)}`;
    await this.#run(
      `UPDATE sluice.batches SET file = ${literal(relative(dataDir, path))}, file_bytes = ${file.bytes}
       WHERE topic = ${literal(topic)} AND partition_id = ${partition} AND (${isNamed} OR start_offset IN (${starts}))`,
    );
    return file;
  }

  /** As `movePositions` does. */
  async #moveWatermark({ partition }: ReplayPlace, results: readonly BatchResult[]): Promise<void> {
    const { maxEventTime } = combineStats(results.map(({ stats }) => stats));
    if (maxEventTime === undefined) return;
    await this.#run(
      `UPDATE sluice.positions SET watermark = greatest(
         CASE WHEN watermark <= make_timestamptz(${(Date.now() + AHEAD_MS) * 1000}) THEN watermark END,
         make_timestamptz(${maxEventTime}))
       WHERE topic = ${literal(this.#options.topic)} AND partition_id = ${partition}`,
    );
  }

  async #run(sql: string): Promise<void> {
    await this.#connection.run(sql);
  }
}

/** SQL: the rows of results. */
function relationOf(results: readonly Pick<BatchResult, 'file'>[]): string {
  return parquet(results.flatMap(({ file }) => (file === undefined ? [] : [file.tempPath])));
}

function offsetsOf(messages: readonly { readonly offset: number }[]): string {
  return messages.map(({ offset }) => offset).join(', ');
}
