/**
 * The bookkeeping of a transaction: a ledger row per batch, a quarantine row per message that is no row, and the
 * positions, which are the truth about what was consumed.
 */
import { type DuckDBConnection, type DuckDBTimestampTZValue, timestampTZValue } from '@duckdb/node-api';
import { BATCH_STAT_LIST, type BatchStats, NO_STATS } from '../../core/batch-stats.js';
import { SluiceError } from '../../core/errors.js';
import { AHEAD_MS, isTime } from '../../core/event-time.js';
import type {
  BatchResult,
  FailedExpectation,
  KnownTopic,
  OffsetGap,
  PartitionStart,
  SinkPosition,
  TopicIdentity,
} from '../../core/flow.js';
import { literal, rowsOf } from '../../core/sql.js';
import { LEDGER_FILES, LEDGER_RANGES, type LedgerState, ledgerFile, ledgerRange } from './ledger-files.js';
import { RETIRED_RANGES } from './retention-tables.js';

/**
 * Writes a row for each quarantined message, in the connection's transaction.
 * @param createAppender for a table with the columns of `sluice.quarantine`; default: that table
 */
export async function writeQuarantine(
  connection: DuckDBConnection,
  topic: string,
  batches: readonly BatchResult[],
  createAppender = () => connection.createAppender('quarantine', 'sluice'),
): Promise<void> {
  if (batches.every(({ quarantined }) => quarantined.length === 0)) return;
  const appender = await createAppender();
  for (const { partition, quarantined } of batches) {
    for (const { offset, key, value, status, position, timestamp, column, expectation } of quarantined) {
      appender.appendVarchar(topic);
      appender.appendInteger(partition);
      appender.appendBigInt(BigInt(offset));
      if (key === null) appender.appendNull();
      else appender.appendBlob(key);
      if (value === null) appender.appendNull();
      else appender.appendBlob(value);
      appender.appendVarchar(expectation === undefined ? status : `${status}:${expectation}`);
      if (position < 0) appender.appendNull();
      else appender.appendBigInt(BigInt(position));
      if (isTime(timestamp)) appender.appendTimestampTZ(fromMilliseconds(timestamp));
      else appender.appendNull();
      if (column === undefined) appender.appendNull();
      else appender.appendVarchar(column);
      appender.endRow();
    }
  }
  appender.closeSync();
}

/** A row of the ledger: offsets [startOffset, nextOffset), and what became of them. */
export interface LedgerRow {
  readonly partition: number;
  readonly startOffset: number;
  readonly nextOffset: number;
  /** Of the last message; undefined if there is none or the broker did not say. */
  readonly leaderEpoch?: number | undefined;
  readonly kind: 'consume' | 'gap' | 'recovered';
  /** Relative to the data directory. */
  readonly file?: { readonly name: string; readonly bytes: number } | undefined;
  readonly stats: BatchStats;
  /** Those that its messages name. */
  readonly schemaIds?: readonly number[] | undefined;
  readonly failedExpectations?: BatchResult['failedExpectations'];
}

/** Each counter's column in the ledger. */
const COUNTERS = BATCH_STAT_LIST.flatMap(([name, { ledger }]) => (ledger === undefined ? [] : [{ name, ...ledger }]));

/** Columns that a ledger has besides, as SQL. */
export type MoreColumns = (row: LedgerRow) => Readonly<Record<string, string>>;

/** An expectation's name; of one that quarantines, the reason of its messages. */
function keyOf({ name, action }: FailedExpectation): string {
  return action === 'quarantine' ? `expectation:${name}` : name;
}

/** Adds rows to the ledger, in the connection's transaction. */
export async function writeLedger(
  connection: DuckDBConnection,
  topic: string,
  commitId: number,
  rows: readonly LedgerRow[],
  moreOf: MoreColumns = () => ({}),
): Promise<void> {
  if (rows.length === 0) return;
  const values = rows.map((row) => {
    const { partition, startOffset, nextOffset, kind, file, stats, schemaIds = [], failedExpectations = [] } = row;
    const ids = schemaIds.length === 0 ? 'NULL::INTEGER[]' : `[${schemaIds.join(', ')}]::INTEGER[]`;
    const named = file === undefined ? ['NULL', 'NULL'] : [literal(file.name), file.bytes];
    const failed = failedExpectations.map((failure) => `${literal(keyOf(failure))}: ${failure.failed}`);
    const failedMap = `${failed.length === 0 ? 'NULL' : `MAP {${failed.join(', ')}}`}::MAP(VARCHAR, BIGINT)`;
    const counts = COUNTERS.map(({ name }) => stats[name]);
    const more = Object.values(moreOf(row));
    const range = [partition, startOffset, nextOffset];
    return `(${[...range, `'${kind}'`, ...named, ids, failedMap, ...counts, ...more].join(', ')})`;
  });
  const columns = [...COUNTERS.map(({ column }) => column), ...Object.keys(moreOf(rows[0]))];
  await connection.run(
    `INSERT INTO sluice.batches BY NAME
     SELECT topic: ${literal(topic)}, commit_id: ${commitId}, committed_at: now(), *
     FROM (VALUES ${values.join(', ')})
       ledger(partition_id, start_offset, next_offset, kind, file, file_bytes, schema_ids,
         failed_expectations, ${columns.join(', ')})`,
  );
}

function fromMilliseconds(milliseconds: number): DuckDBTimestampTZValue {
  return timestampTZValue(BigInt(milliseconds) * 1000n);
}

/**
 * The leader epoch of a gap that an operator made in a lake, whose position has the epoch of the last row of the ledger
 * that has one: the messages before it may have a later one than those that were read, but which is not known.
 */
export const UNKNOWN_EPOCH = 2_147_483_647;

export async function readPositions(connection: DuckDBConnection, topic: string): Promise<SinkPosition[]> {
  const rows = await rowsOf(
    connection,
    `SELECT partition_id, next_offset, nullif(leader_epoch, ${UNKNOWN_EPOCH}) AS leader_epoch,
       epoch_us(watermark) AS watermark
     FROM sluice.positions
     WHERE topic = ${literal(topic)} ORDER BY partition_id`,
  );
  return rows.map(({ partition_id, next_offset, leader_epoch, watermark }) => ({
    partition: Number(partition_id),
    nextOffset: Number(next_offset),
    leaderEpoch: (leader_epoch as number | null) ?? undefined,
    watermark: (watermark as bigint | null) ?? undefined,
  }));
}

/**
 * What the ledger says of files, and the number of the last transaction: 0 before the first, and in format 1. Reads any
 * database as it is found: one without tables, too, has no files.
 */
export async function readLedgerState(connection: DuckDBConnection): Promise<LedgerState> {
  const columns = await rowsOf(
    connection,
    `SELECT column_name AS name FROM duckdb_columns()
     WHERE database_name = current_database() AND schema_name = 'sluice' AND table_name = 'batches'`,
  );
  if (columns.length === 0) return { files: [], ranges: [], retired: [], lastCommit: 0 };
  const commit = columns.some(({ name }) => name === 'commit_id') ? 'max(commit_id)' : '0';
  const hasRetired = columns.some(({ name }) => name === 'file_retired');
  const [{ last }] = await rowsOf(connection, `SELECT ${commit} AS last FROM sluice.batches`);
  return {
    files: (await rowsOf(connection, LEDGER_FILES)).map(ledgerFile),
    ranges: (await rowsOf(connection, LEDGER_RANGES)).map(ledgerRange),
    retired: hasRetired ? (await rowsOf(connection, RETIRED_RANGES)).map(ledgerRange) : [],
    lastCommit: Number(last ?? 0),
  };
}

export async function readIdentity(connection: DuckDBConnection): Promise<TopicIdentity> {
  const [meta] = await rowsOf(connection, 'SELECT cluster_id, topic_id FROM sluice.meta');
  const text = (value: unknown) => (value as string | null) ?? undefined;
  return { clusterId: text(meta?.cluster_id), topicId: text(meta?.topic_id) };
}

/** The topic of a database that one process fills: all partitions that it had before have positions. */
export async function readKnownTopic(connection: DuckDBConnection, topic: string): Promise<KnownTopic> {
  const { length } = await readPositions(connection, topic);
  return { ...(await readIdentity(connection)), firstPartitions: length === 0 ? undefined : length };
}

export async function writeIdentity<T extends TopicIdentity>(connection: DuckDBConnection, identity: T): Promise<T> {
  const { clusterId, topicId } = identity;
  const text = (value: string | undefined) => (value === undefined ? 'NULL' : literal(value));
  await connection.run(`UPDATE sluice.meta SET cluster_id = ${text(clusterId)}, topic_id = ${text(topicId)}`);
  return identity;
}

/** Makes the positions of new partitions. */
export async function insertPositions(
  connection: DuckDBConnection,
  topic: string,
  starts: readonly PartitionStart[],
): Promise<void> {
  if (starts.length === 0) return;
  const rows = starts.map(({ partition, nextOffset, reason }) => `(${partition}, ${nextOffset}, '${reason}')`);
  await connection.run(
    `INSERT INTO sluice.positions BY NAME
     SELECT topic: ${literal(topic)}, partition_id, next_offset, first_offset: next_offset, start_reason,
       started_at: now()
     FROM (VALUES ${rows.join(', ')}) new(partition_id, next_offset, start_reason)
     WHERE partition_id NOT IN (SELECT partition_id FROM sluice.positions WHERE topic = ${literal(topic)})`,
  );
}

/**
 * Moves positions over lost offsets, in the connection's transaction.
 * @throws SluiceError SLUICE_FENCED if a position is not at the start of its gap
 */
export async function writeGaps(
  connection: DuckDBConnection,
  topic: string,
  gaps: readonly OffsetGap[],
  commitId: number,
): Promise<void> {
  const rows = gaps.map((gap): LedgerRow => ({ ...gap, kind: 'gap', stats: NO_STATS }));
  await writeLedger(connection, topic, commitId, rows);
  await movePositions(
    connection,
    topic,
    rows.map((row) => ({ ...row, leaderEpoch: undefined })),
  );
}

/** What moves a position. */
type Move = Pick<BatchResult, 'partition' | 'startOffset' | 'nextOffset' | 'leaderEpoch' | 'stats'>;

/**
 * Moves each batch's partition, which must be at the batch's start, to its end. A watermark that is ahead of the clock
 * is from before event times were bounded, and gives way.
 * @throws SluiceError SLUICE_FENCED if it does not; the caller rolls back
 */
export async function movePositions(
  connection: DuckDBConnection,
  topic: string,
  moves: readonly Move[],
): Promise<void> {
  const statement = await connection.prepare(
    `UPDATE sluice.positions
     SET next_offset = $1, watermark = greatest(CASE WHEN watermark <= $7 THEN watermark END, $2),
       leader_epoch = coalesce($6, leader_epoch)
     WHERE topic = $3 AND partition_id = $4 AND next_offset = $5`,
  );
  const latest = fromMilliseconds(Date.now() + AHEAD_MS);
  for (const { partition, startOffset, nextOffset, leaderEpoch, stats } of moves) {
    const { maxEventTime } = stats;
    statement.bindTimestampTZ(7, latest);
    statement.bindBigInt(1, BigInt(nextOffset));
    if (maxEventTime === undefined) statement.bindNull(2);
    else statement.bindTimestampTZ(2, timestampTZValue(maxEventTime));
    statement.bindVarchar(3, topic);
    statement.bindInteger(4, partition);
    statement.bindBigInt(5, BigInt(startOffset));
    if (leaderEpoch === undefined) statement.bindNull(6);
    else statement.bindInteger(6, leaderEpoch);
    const { rowsChanged } = await statement.run();
    if (rowsChanged !== 1) throw await fenced(connection, topic, partition, startOffset);
  }
  statement.destroySync();
}

async function fenced(connection: DuckDBConnection, topic: string, partition: number, startOffset: number) {
  const rows = await rowsOf(
    connection,
    `SELECT next_offset FROM sluice.positions WHERE topic = ${literal(topic)} AND partition_id = ${partition}`,
  );
  const found = rows.map(({ next_offset }) => next_offset).join(' and ') || 'gone';
  return new SluiceError(
    'SLUICE_FENCED',
    `the position of ${topic} partition ${partition} is ${found}, not ${startOffset} as when this process read it: ` +
      'someone else moved it. Nothing of the group was committed',
  );
}
