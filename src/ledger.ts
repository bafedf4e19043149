/**
 * The bookkeeping of a transaction: a ledger row per batch, a quarantine row per message that is no row, and the
 * positions, which are the truth about what was consumed.
 */
import {
  type DuckDBAppender,
  type DuckDBConnection,
  type DuckDBTimestampTZValue,
  timestampTZValue,
} from '@duckdb/node-api';
import { SluiceError } from './errors.js';
import { type BatchResult, type ParquetFile, type SinkPosition, STATUSES } from './flow.js';
import { literal, rowsOf } from './sql.js';

/** Appends in the connection's transaction. */
async function append(connection: DuckDBConnection, table: string, rows: (appender: DuckDBAppender) => void) {
  const appender = await connection.createAppender(table, 'sluice');
  rows(appender);
  appender.closeSync();
}

export async function writeQuarantine(
  connection: DuckDBConnection,
  topic: string,
  batches: readonly BatchResult[],
): Promise<void> {
  if (batches.every(({ quarantined }) => quarantined.length === 0)) return;
  await append(connection, 'quarantine', (appender) => {
    for (const { partition, quarantined } of batches) {
      for (const { offset, key, value, status, position, timestamp } of quarantined) {
        appender.appendVarchar(topic);
        appender.appendInteger(partition);
        appender.appendBigInt(BigInt(offset));
        if (key === null) appender.appendNull();
        else appender.appendBlob(key);
        appender.appendBlob(value);
        appender.appendVarchar(status);
        if (position < 0) appender.appendNull();
        else appender.appendBigInt(BigInt(position));
        if (timestamp < 0) appender.appendNull();
        else appender.appendTimestampTZ(fromMilliseconds(timestamp));
        appender.endRow();
      }
    }
  });
}

/**
 * @param merged rows of each batch that the change log got
 * @param fileOf the name of a file in the ledger
 */
export async function writeLedger(
  connection: DuckDBConnection,
  topic: string,
  batches: readonly BatchResult[],
  merged: readonly number[],
  stageSeconds: readonly number[],
  fileOf: (file: ParquetFile) => string,
): Promise<void> {
  const committedAt = fromMilliseconds(Date.now());
  await append(connection, 'batches', (appender) => {
    for (const [index, batch] of batches.entries()) {
      const { partition, startOffset, nextOffset, file, counts, quarantined } = batch;
      const consumed = STATUSES.reduce((sum, status) => sum + counts[status], 0);
      appender.appendVarchar(topic);
      appender.appendInteger(partition);
      appender.appendBigInt(BigInt(startOffset));
      appender.appendBigInt(BigInt(nextOffset));
      if (file === undefined) {
        appender.appendNull();
        appender.appendNull();
      } else {
        appender.appendVarchar(fileOf(file));
        appender.appendBigInt(BigInt(file.bytes));
      }
      const numbers = [consumed, merged[index], counts.ok - merged[index], quarantined.length, counts.tombstone];
      for (const count of [...numbers, batch.rowsLate, batch.rowsWithIssues]) appender.appendBigInt(BigInt(count));
      appender.appendDouble(batch.stageSeconds.kernel);
      appender.appendDouble(batch.stageSeconds.parquet);
      appender.appendDouble(stageSeconds[index]);
      appender.appendTimestampTZ(committedAt);
      appender.endRow();
    }
  });
}

function fromMilliseconds(milliseconds: number): DuckDBTimestampTZValue {
  return timestampTZValue(BigInt(milliseconds) * 1000n);
}

export async function readPositions(connection: DuckDBConnection, topic: string): Promise<SinkPosition[]> {
  const rows = await rowsOf(
    connection,
    `SELECT partition_id, next_offset, epoch_us(watermark) AS watermark FROM sluice.positions
     WHERE topic = ${literal(topic)} ORDER BY partition_id`,
  );
  return rows.map(({ partition_id, next_offset, watermark }) => ({
    partition: Number(partition_id),
    nextOffset: Number(next_offset),
    watermark: (watermark as bigint | null) ?? undefined,
  }));
}

/** Makes the positions of partitions that have none. */
export async function insertPositions(
  connection: DuckDBConnection,
  topic: string,
  positions: readonly { partition: number; nextOffset: number }[],
): Promise<void> {
  if (positions.length === 0) return;
  const rows = positions.map(({ partition, nextOffset }) => `(${partition}, ${nextOffset})`).join(', ');
  await connection.run(
    `INSERT INTO sluice.positions SELECT ${literal(topic)}, p, o, NULL FROM (VALUES ${rows}) new(p, o)
     WHERE p NOT IN (SELECT partition_id FROM sluice.positions WHERE topic = ${literal(topic)})`,
  );
}

/**
 * Moves each batch's partition on from its start, which is where it must stand.
 * @throws SluiceError SLUICE_FENCED where it does not; the caller rolls back
 */
export async function movePositions(
  connection: DuckDBConnection,
  topic: string,
  batches: readonly BatchResult[],
): Promise<void> {
  const statement = await connection.prepare(
    `UPDATE sluice.positions SET next_offset = $1, watermark = greatest(watermark, $2)
     WHERE topic = $3 AND partition_id = $4 AND next_offset = $5`,
  );
  for (const { partition, startOffset, nextOffset, maxEventTime } of batches) {
    statement.bindBigInt(1, BigInt(nextOffset));
    if (maxEventTime === undefined) statement.bindNull(2);
    else statement.bindTimestampTZ(2, timestampTZValue(maxEventTime));
    statement.bindVarchar(3, topic);
    statement.bindInteger(4, partition);
    statement.bindBigInt(5, BigInt(startOffset));
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
