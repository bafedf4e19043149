/** The bookkeeping of a transaction: a ledger row per batch, a quarantine row per message that is no row. */
import {
  type DuckDBAppender,
  type DuckDBConnection,
  type DuckDBTimestampTZValue,
  timestampTZValue,
} from '@duckdb/node-api';
import { type BatchResult, type ParquetFile, STATUSES } from './flow.js';

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
