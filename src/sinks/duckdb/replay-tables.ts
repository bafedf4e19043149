/**
 * What a replay finds and writes in the tables, for both sinks: where the quarantined messages are, what became of
 * each, and what the ledger counts.
 */
import { SluiceError } from '../../core/errors.js';
import type { BatchResult } from '../../core/flow.js';
import type { ReplayedBatch, ReplayPiece } from '../../core/replay.js';
import { identifier, literal } from '../../core/sql.js';
import type { TableSpec } from '../../schema/spec.js';
import { specHash } from '../../schema/spec-hash.js';
import type { FileRange } from '../../storage/data-dir.js';
import { haveRows } from './duplicates.js';
import { parquet } from './file-inventory.js';
import { LEDGER_FILES, type LedgerFile } from './ledger-files.js';

/** Gives the rows of a query. */
export type AllRows = (sql: string) => Promise<Record<string, unknown>[]>;

/** A file of the ledger, or the one that a batch without rows would get, and its batches with quarantined messages. */
export interface ReplayPlace extends FileRange {
  /** Undefined: none has its offsets. */
  readonly file: LedgerFile | undefined;
  readonly batches: readonly FileRange[];
}

/** A row for each message that a replay took; older versions do without the table. */
export const REPLAYS = `CREATE TABLE IF NOT EXISTS sluice.replays (
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
export async function replayPlaces(all: AllRows, condition: string): Promise<ReplayPlace[]> {
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

/** Messages of a batch, the first and the last of which are at these offsets. */
export interface ReplayPart extends FileRange {
  readonly from: number;
  readonly to: number;
}

const UNBOUNDED = Number.MAX_SAFE_INTEGER;

/** Of a piece; undefined: there is none. */
export interface PieceBound {
  readonly batches?: number;
  readonly messages?: number;
  /** Of keys and values; the last message may go beyond. */
  readonly bytes?: number;
}

/** The messages of a place that are meant, in pieces; each has at most one part of a batch. */
export async function replayPieces(
  all: AllRows,
  { partition, start, next }: ReplayPlace,
  condition: string,
  bound: PieceBound,
): Promise<ReplayPart[][]> {
  const { batches, messages, bytes } = { batches: UNBOUNDED, messages: UNBOUNDED, bytes: UNBOUNDED, ...bound };
  const rows = await all(
    `WITH meant AS (
       SELECT message_offset, start_offset, next_offset, row_number() OVER before - 1 AS nth,
         dense_rank() OVER (ORDER BY start_offset) - 1 AS batch,
         sum(coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0)) OVER before AS bytes
       FROM (FROM sluice.quarantine WHERE partition_id = ${partition} AND message_offset >= ${start}
         AND message_offset < ${next} AND (${condition})) q
       JOIN sluice.batches b ON b.partition_id = ${partition} AND b.start_offset <= message_offset
         AND message_offset < b.next_offset
       WINDOW before AS (ORDER BY message_offset))
     SELECT (batch // ${batches} + nth // ${messages} + bytes // ${bytes})::DOUBLE AS piece,
       start_offset::DOUBLE AS "start", next_offset::DOUBLE AS "next", min(message_offset)::DOUBLE AS "from",
       max(message_offset)::DOUBLE AS "to"
     FROM meant GROUP BY ALL ORDER BY piece, "start"`,
  );
  const pieces = new Map<number, ReplayPart[]>();
  for (const row of rows) {
    const [piece, start, next, from, to] = [row.piece, row.start, row.next, row.from, row.to].map(Number);
    pieces.set(piece, [...(pieces.get(piece) ?? []), { partition, start, next, from, to }]);
  }
  return [...pieces.values()];
}

/** SQL: the messages of a part that are meant, in offset order. Bytes are in hexadecimal. */
export function messagesOf({ partition, from, to }: ReplayPart, condition: string): string {
  return `SELECT topic, partition_id, message_offset, hex(key) AS key, hex(value) AS value, reason,
      epoch_ms(kafka_timestamp) AS "time"
    FROM sluice.quarantine WHERE partition_id = ${partition} AND message_offset >= ${from} AND message_offset <= ${to}
      AND (${condition}) ORDER BY message_offset`;
}

/** Why a process that runs takes nothing. */
export const SPEC_IS_OTHER =
  'the process that runs has another table spec than the replay: start it again with this one, and replay then';

/** @throws SluiceError SLUICE_SPEC_CHANGED if the messages were read with another spec than that of the sink */
export function checkSpec(spec: TableSpec, piece: ReplayPiece): void {
  if (specHash(spec) !== piece.specHash) throw new SluiceError('SLUICE_SPEC_CHANGED', SPEC_IS_OTHER);
}

/** SQL: which rows of `sluice.quarantine` a piece takes. */
export function takenBy(batches: readonly ReplayedBatch[]): string {
  return `partition_id = ${batches[0].partition} AND message_offset IN (${batches.flatMap(({ taken }) => taken).join(', ')})`;
}

/**
 * SQL: notes what becomes of the messages of a piece, whose rows and markers are in their tables.
 * @param replayedAt SQL: the time
 */
export function replaysOf(spec: TableSpec, batches: readonly ReplayedBatch[], replayedAt = 'now()'): string {
  const [{ partition, startOffset }, { nextOffset }] = [batches[0], batches[batches.length - 1]];
  const inTable = (table: string, offset: string, where: string) =>
    `message_offset IN (SELECT ${offset} FROM ${table}
       WHERE ${where} AND ${offset} >= ${startOffset} AND ${offset} < ${nextOffset})`;
  const isRow = haveRows(batches) ? inTable(relationOf(batches), 'kafka_offset', 'true') : 'false';
  return `INSERT INTO sluice.replays SELECT topic, partition_id, message_offset, reason,
      CASE WHEN ${inTable(identifier(spec.table), 'kafka_offset', `kafka_partition = ${partition}`)} THEN 'merged'
        WHEN ${inTable('sluice.markers', 'message_offset', `partition_id = ${partition}`)} THEN 'marker'
        WHEN ${isRow} THEN 'duplicate' ELSE 'tombstone' END,
      ${literal(specHash(spec))}, ${replayedAt}
    FROM sluice.quarantine WHERE ${takenBy(batches)}`;
}

/**
 * SQL: has the ledger count the messages of a piece as what they are now.
 * @param batches with what became of their rows
 * @param more of the columns that a ledger has besides: the new value, of "the time" and "the sequence" of a batch
 */
export function ledgerCounts(
  topic: string,
  batches: readonly BatchResult[],
  more: Readonly<Record<string, string>> = {},
): string {
  const values = batches.map(({ startOffset, nextOffset, stats }) => {
    const { maxEventTime, maxChangeSeq, ok, tombstone, merged, duplicate, marker, rowsLate, rowsWithIssues } = stats;
    const time = `${maxEventTime === undefined ? 'NULL' : `make_timestamptz(${maxEventTime})`}::TIMESTAMPTZ`;
    const counts = [ok + tombstone, merged, duplicate, marker, tombstone, rowsLate, rowsWithIssues];
    return `(${[startOffset, nextOffset, ...counts, time, `${maxChangeSeq ?? 'NULL'}::UBIGINT`].join(', ')})`;
  });
  const added = ['merged', 'duplicate', 'marker', 'tombstone', 'late', 'with_issues'];
  const sets = [
    // A ledger that a recovery made may not know of messages that were not in any file.
    'rows_consumed = rows_consumed + greatest(0, "the taken" - rows_quarantined)',
    'rows_quarantined = greatest(0, rows_quarantined - "the taken")',
    ...added.map((name) => `rows_${name} = rows_${name} + "the ${name}"`),
    ...Object.entries(more).map(([column, value]) => `${column} = ${value}`),
  ];
  const names = ['start', 'next', 'taken', ...added, 'time', 'sequence'].map((name) => `"the ${name}"`);
  return `UPDATE sluice.batches SET ${sets.join(', ')}
    FROM (VALUES ${values.join(', ')}) replayed(${names.join(', ')})
    WHERE topic = ${literal(topic)} AND partition_id = ${batches[0].partition} AND start_offset = "the start"
      AND next_offset = "the next"`;
}

/** SQL: the rows of batches. */
export function relationOf(batches: readonly Pick<BatchResult, 'file'>[]): string {
  return parquet(batches.flatMap(({ file }) => (file === undefined ? [] : [file.tempPath])));
}
