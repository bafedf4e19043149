/**
 * Moves a partition's position where an operator wants it, in one transaction, in a database that no run holds.
 *
 *   ahead   the ledger gets a gap, as for offsets that Kafka lost
 *   back    what was read from there on leaves: rows, markers, quarantined messages, their batches in the ledger, and
 *           then their files. The next run reads it again, so that nothing is there twice, change ids or not
 *
 * Files are not cut: back is the start of the file that has the offset. Their removal follows the COMMIT; the journal,
 * written before it, says what they are, and a start after a crash removes them (commit-journal.ts).
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { NO_STATS } from '../../core/batch-stats.js';
import { assert, SluiceError } from '../../core/errors.js';
import { identifier, literal, rowsOf } from '../../core/sql.js';
import type { TableSpec } from '../../schema/spec.js';
import { removeJournal, writeJournal } from './commit-journal.js';
import { writeLedger } from './ledger.js';
import { LEDGER_FILES } from './ledger-files.js';
import { removeForGood } from './recovery.js';

/** Where a partition is to be read from. */
export interface ResetRequest {
  readonly partition: number;
  /** As the operator said it. */
  readonly asked: string;
  readonly offset: number;
  /** Whether the first offset that can be is meant, if not this one. */
  readonly isEarliest: boolean;
  /** The first offset that Kafka has. */
  readonly low: number;
}

/** What a reset does. */
export interface ResetPlan {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  /** Rows and quarantined messages that leave, and are read again. */
  readonly rows: number;
  readonly quarantined: number;
  /** Relative to the data directory. */
  readonly files: readonly string[];
}

/** A row for each reset; older versions do without the table. */
export const RESETS = `CREATE TABLE IF NOT EXISTS sluice.resets (
  topic VARCHAR NOT NULL, partition_id INTEGER NOT NULL, from_offset BIGINT NOT NULL, to_offset BIGINT NOT NULL,
  asked VARCHAR NOT NULL, rows_removed BIGINT NOT NULL, quarantined_removed BIGINT NOT NULL,
  reset_at TIMESTAMPTZ NOT NULL)`;

type All = (sql: string) => Promise<Record<string, unknown>[]>;

/**
 * @param all gives the rows of a query
 * @throws SluiceError SLUICE_CONFIG without a position; SLUICE_OFFSET_OUT_OF_RANGE if what would leave is not in Kafka
 */
export async function resetPlan(all: All, request: ResetRequest): Promise<ResetPlan> {
  const { partition, offset } = request;
  const [position] = await all(`SELECT next_offset FROM sluice.positions WHERE partition_id = ${partition}`);
  if (position === undefined) {
    throw new SluiceError(
      'SLUICE_CONFIG',
      `partition ${partition} has no position yet: START_FROM says where it begins`,
    );
  }
  const from = Number(position.next_offset);
  const to = offset >= from ? offset : await backTo(all, request, from);
  if (to >= from) return { partition, from, to, rows: 0, quarantined: 0, files: [] };
  const [left] = await all(
    `SELECT coalesce(sum(rows_merged), 0) AS rows, coalesce(sum(rows_quarantined), 0) AS quarantined
     FROM sluice.batches WHERE partition_id = ${partition} AND start_offset >= ${to}`,
  );
  const files = await all(
    `SELECT DISTINCT file FROM sluice.batches
     WHERE partition_id = ${partition} AND start_offset >= ${to} AND file IS NOT NULL ORDER BY file`,
  );
  return {
    ...{ partition, from, to, rows: Number(left.rows), quarantined: Number(left.quarantined) },
    files: files.map(({ file }) => String(file)),
  };
}

/** The start of the batch, or of the file of several, that has the offset. */
async function backTo(all: All, request: ResetRequest, from: number): Promise<number> {
  const { partition, offset, isEarliest, low } = request;
  // Not of batches without rows, and gaps, that a joined file goes across: what is before them needs that file.
  const starts = `(SELECT start_offset AS "start" FROM (FROM sluice.batches WHERE partition_id = ${partition})
    ASOF LEFT JOIN (FROM (${LEDGER_FILES}) WHERE partition_id = ${partition}) f ON start_offset >= f."start"
    WHERE f."start" IS NULL OR start_offset = f."start" OR start_offset >= f."next")`;
  const [found] = await all(
    `SELECT min("start") AS first, max("start") FILTER ("start" <= ${offset}) AS around,
       min("start") FILTER ("start" >= ${low}) AS possible FROM ${starts}`,
  );
  const isBeforeAll = found.first === null || offset < Number(found.first);
  const to = isBeforeAll ? offset : Number(found.around);
  if (to >= low) return to;
  const possible = found.possible === null ? from : Number(found.possible);
  if (isEarliest) return possible;
  throw new SluiceError(
    'SLUICE_OFFSET_OUT_OF_RANGE',
    `partition ${partition}, offset ${offset}: its file begins at ${to}, and Kafka has offsets from ${low} on only: ` +
      `what was before would be lost. Nothing was changed. --to earliest goes back as far as it can be, to ${possible}`,
  );
}

export interface ResetOptions {
  readonly topic: string;
  readonly spec: TableSpec;
  readonly dataDir: string;
}

/**
 * Of `analytics.db`.
 * @returns what was done; nothing if the position is there already
 * @throws SluiceError as `resetPlan`, or DuckDB's error: then the position is as it was or, if it is the COMMIT's, may
 *   have moved; the next start finds out
 */
export async function reset(
  connection: DuckDBConnection,
  request: ResetRequest,
  { topic, spec, dataDir }: ResetOptions,
): Promise<ResetPlan> {
  let plan: ResetPlan;
  try {
    await connection.run('BEGIN');
    plan = await resetPlan((sql) => rowsOf(connection, sql), request);
    if (plan.to > plan.from) await skip(connection, topic, plan);
    if (plan.to < plan.from) await removeFrom(connection, spec, plan);
    if (plan.to !== plan.from) {
      await movePosition(connection, plan);
      await recordReset(connection, topic, request, plan);
    }
    if (plan.files.length > 0) {
      await checkUnnamed(connection, plan.files);
      writeJournal(dataDir, { commit: (await lastCommit(connection)) + 1, files: plan.files });
    }
  } catch (thrown) {
    await connection.run('ROLLBACK').catch(() => {});
    removeJournal(dataDir);
    throw thrown;
  }
  // A COMMIT that failed may still be in the log: the journal stays, and the next start asks the ledger.
  await connection.run('COMMIT');
  removeForGood(dataDir, plan.files);
  return plan;
}

/** A gap in the ledger. @param more columns of the ledger, as SQL */
export async function skip(
  connection: DuckDBConnection,
  topic: string,
  { partition, from, to }: ResetPlan,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const gap = { partition, startOffset: from, nextOffset: to, kind: 'gap', stats: NO_STATS } as const;
  await writeLedger(connection, topic, (await lastCommit(connection)) + 1, [gap], () => more);
}

async function removeFrom(connection: DuckDBConnection, spec: TableSpec, { partition, to }: ResetPlan): Promise<void> {
  const table = identifier(spec.table);
  await connection.run(`DELETE FROM ${table} WHERE kafka_partition = ${partition} AND kafka_offset >= ${to}`);
  const tables = await rowsOf(
    connection,
    `SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'sluice'
     AND table_name IN ('quarantine', 'markers', 'retired', 'replays')`,
  );
  for (const { table_name } of tables) {
    await connection.run(
      `DELETE FROM sluice.${table_name} WHERE partition_id = ${partition} AND message_offset >= ${to}`,
    );
  }
  await connection.run(`DELETE FROM sluice.batches WHERE partition_id = ${partition} AND start_offset >= ${to}`);
}

/** No batch that stays may need what is removed. */
async function checkUnnamed(connection: DuckDBConnection, files: readonly string[]): Promise<void> {
  const named = await rowsOf(
    connection,
    `SELECT DISTINCT file FROM sluice.batches WHERE file IN (${files.map(literal).join(', ')})`,
  );
  assert(named.length === 0, `batches before the new position have rows in ${named[0]?.file}`);
}

/** The epoch of the message before is not known: until the next commit, the log there is not compared with it. */
async function movePosition(connection: DuckDBConnection, { partition, to }: ResetPlan): Promise<void> {
  await connection.run(
    `UPDATE sluice.positions SET next_offset = ${to}, leader_epoch = NULL,
       start_reason = CASE WHEN ${to} < first_offset THEN 'reset' ELSE start_reason END,
       first_offset = least(first_offset, ${to})
     WHERE partition_id = ${partition}`,
  );
}

/** What an operator decided. */
export async function recordReset(
  connection: DuckDBConnection,
  topic: string,
  { asked }: ResetRequest,
  { partition, from, to, rows, quarantined }: ResetPlan,
): Promise<void> {
  await connection.run(RESETS);
  await connection.run(
    `INSERT INTO sluice.resets VALUES (${literal(topic)}, ${partition}, ${from}, ${to}, ${literal(asked)}, ${rows},
       ${quarantined}, now())`,
  );
}

async function lastCommit(connection: DuckDBConnection): Promise<number> {
  const [{ last }] = await rowsOf(connection, 'SELECT coalesce(max(commit_id), 0) AS last FROM sluice.batches');
  return Number(last);
}
