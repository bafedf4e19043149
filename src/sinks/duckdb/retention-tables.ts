/** What a database has for what left it by its age; none of it unless RETAIN_* were ever set. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { rowsOf } from '../../core/sql.js';
import { type FileRange, RETENTION_FORMAT } from '../../storage/data-dir.js';
import { type ChangeLog, NO_SEQUENCE } from './duplicates.js';

/**
 * Makes it, and raises the format: an older Sluice would take a change that comes again for a new one. Called after the
 * spec was written; killed in between, the next start does what is left.
 *
 * - retired: changes that left the change log, if they have ids
 * - batches: how many rows left the change log, and how many the quarantine; the file that left
 */
export async function openRetention(connection: DuckDBConnection): Promise<void> {
  await connection.run(
    `CREATE TABLE IF NOT EXISTS sluice.retired (
       topic VARCHAR NOT NULL, partition_id INTEGER NOT NULL, message_offset BIGINT NOT NULL,
       change_id VARCHAR, change_seq UBIGINT NOT NULL)`,
  );
  for (const column of [
    'rows_retired BIGINT DEFAULT 0',
    'quarantine_retired BIGINT DEFAULT 0',
    'file_retired VARCHAR',
  ]) {
    await connection.run(`ALTER TABLE sluice.batches ADD COLUMN IF NOT EXISTS ${column}`);
  }
  await connection.run(
    `UPDATE sluice.meta SET format_version = ${RETENTION_FORMAT} WHERE format_version < ${RETENTION_FORMAT}`,
  );
}

/** Whether a database has it. */
export async function hasRetention(connection: DuckDBConnection): Promise<boolean> {
  const [meta] = await rowsOf(connection, 'SELECT format_version FROM sluice.meta');
  return Number(meta?.format_version) >= RETENTION_FORMAT;
}

/** SQL relation: all change ids that were merged, and their sequences. */
export function mergedIds({ table, changeId }: Pick<ChangeLog, 'table' | 'changeId'>): string {
  if (changeId === undefined) return table;
  return `(SELECT change_seq, ${changeId} FROM ${table} UNION ALL SELECT change_seq, change_id FROM sluice.retired)`;
}

/** Has the log know what was merged, whether or not it is in the table still. */
export async function readKnownIds(connection: DuckDBConnection, log: ChangeLog): Promise<void> {
  if (await hasRetention(connection)) log.known = mergedIds(log);
  const [{ highest }] = await rowsOf(connection, `SELECT max(change_seq) AS highest FROM ${log.known}`);
  log.maxChangeSeq = (highest as bigint | null) ?? NO_SEQUENCE;
}

/** SQL relation: the offset up to which all of a partition was committed so long ago, in `old_to`. */
export function olderThan(ageMs: number): string {
  return `(SELECT partition_id, coalesce(
      min(start_offset) FILTER (committed_at >= now() - to_milliseconds(${ageMs})), max(next_offset)) AS old_to
    FROM sluice.batches GROUP BY partition_id)`;
}

/** The offsets of files that left; a row is for `ledgerRange`. */
export const RETIRED_RANGES = `SELECT partition_id, min(start_offset) AS "start", max(next_offset) AS "next"
  FROM sluice.batches WHERE file_retired IS NOT NULL GROUP BY partition_id, file_retired
  ORDER BY partition_id, "start"`;

/** SQL: which rows of `sluice.quarantine` are of batches whose file is there, or never was. */
export const OF_KEPT_FILES = `NOT EXISTS (FROM sluice.batches WHERE file_retired IS NOT NULL
  AND batches.partition_id = quarantine.partition_id
  AND start_offset <= message_offset AND message_offset < next_offset)`;

/** Ranges of a partition that meet, as one. @param ranges by partition and start */
export function joinedRanges(ranges: readonly FileRange[]): FileRange[] {
  const joined: FileRange[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    if (last?.partition === range.partition && last.next === range.start) joined.pop();
    joined.push(
      last?.partition === range.partition && last.next === range.start ? { ...last, next: range.next } : range,
    );
  }
  return joined;
}
