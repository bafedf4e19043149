/** What forgetting a key changes in the tables, for both sinks: messages leave, and the ledger counts tombstones. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { identifier, literal, rowsOf } from '../../core/sql.js';
import type { TableSpec } from '../../schema/spec.js';
import { lowerFailed } from './lower-failed.js';
import type { QuarantinePlace } from './quarantine-search.js';
import { hasRetention } from './retention-tables.js';

export interface Forgotten {
  /** Of the change log. */
  readonly rows: number;
  /** Of files alone: duplicates, and changes that had left the change log by their age. Not counted in a lake. */
  readonly others: number;
  readonly quarantined: number;
  /** That were written anew. */
  readonly files: number;
}

/** Older versions do without the table. */
export const FORGOTTEN = `CREATE TABLE IF NOT EXISTS sluice.forgotten (
  topic VARCHAR NOT NULL, key_hash VARCHAR NOT NULL, partition_id INTEGER NOT NULL, file VARCHAR,
  rows_merged BIGINT NOT NULL, rows_other BIGINT NOT NULL, rows_quarantined BIGINT NOT NULL,
  forgotten_at TIMESTAMPTZ NOT NULL)`;

/** The messages that a transaction forgets, and what they were: merged, retired, duplicate or quarantined. */
export const LEAVING = 'temp.forgetting';

export interface ForgottenCounts {
  readonly merged: number;
  readonly others: number;
}

/** What is forgotten, and which tables there are. */
export interface ForgetTarget {
  readonly topic: string;
  /** SQL identifier: the table of changes. */
  readonly table: string;
  /** What stands for the key in sluice.forgotten. */
  readonly keyHash: string;
  readonly hasRetired: boolean;
  readonly hasReplays: boolean;
}

export async function forgetTarget(
  connection: DuckDBConnection,
  { topic, spec, keyHash }: { readonly topic: string; readonly spec: TableSpec; readonly keyHash: string },
): Promise<ForgetTarget> {
  const [{ replays }] = await rowsOf(
    connection,
    `SELECT count(*) AS replays FROM duckdb_tables()
     WHERE database_name = current_database() AND schema_name = 'sluice' AND table_name = 'replays'`,
  );
  const hasRetired = await hasRetention(connection);
  return { topic, table: identifier(spec.table), keyHash, hasRetired, hasReplays: replays !== 0n };
}

/** Makes the messages of a query those that leave. @returns how many they are */
export async function findLeaving(connection: DuckDBConnection, query: string): Promise<number> {
  await connection.run(`CREATE OR REPLACE TEMP TABLE forgetting AS ${query}`);
  const [{ messages }] = await rowsOf(connection, `SELECT count(*) AS messages FROM ${LEAVING}`);
  return Number(messages);
}

/** SQL: quarantined messages, for `findLeaving`. @param messages at least one */
export function leavingQuarantine(messages: readonly QuarantinePlace[]): string {
  const values = messages.map(({ partition, offset }) => `(${partition}, ${offset}, 'quarantined')`).join(', ');
  return `FROM (VALUES ${values}) found(partition_id, message_offset, was)`;
}

/**
 * Takes those of a partition that leave out of tables and counts, in the connection's transaction.
 * @param file that had them; undefined: none, or several
 */
export async function leave(
  connection: DuckDBConnection,
  { topic, table, keyHash, hasRetired, hasReplays }: ForgetTarget,
  partition: number,
  file?: string,
): Promise<ForgottenCounts> {
  const is = (was: string) => `count(*) FILTER (was = '${was}')`;
  const leaving = `(FROM ${LEAVING} WHERE partition_id = ${partition})`;
  const lessRetired = hasRetired ? ', rows_retired = rows_retired - retired' : '';
  await connection.run(
    `UPDATE sluice.batches SET rows_merged = rows_merged - merged - retired,
       rows_duplicate = rows_duplicate - duplicate, rows_quarantined = rows_quarantined - quarantined,
       rows_tombstone = rows_tombstone + merged + retired + duplicate + quarantined ${lessRetired}
     FROM (SELECT b.start_offset AS "the start", ${is('merged')} AS merged, ${is('retired')} AS retired,
         ${is('duplicate')} AS duplicate, ${is('quarantined')} AS quarantined
       FROM ${leaving} l JOIN sluice.batches b ON b.partition_id = ${partition}
         AND start_offset <= message_offset AND message_offset < next_offset GROUP BY ALL)
     WHERE partition_id = ${partition} AND start_offset = "the start"`,
  );
  const [row] = await rowsOf(
    connection,
    `SELECT ${is('merged')} AS merged, ${is('quarantined')} AS quarantined, count(*) AS messages FROM ${leaving}`,
  );
  const [merged, quarantined] = [Number(row.merged), Number(row.quarantined)];
  const others = Number(row.messages) - merged - quarantined;
  const from = (name: string) =>
    `DELETE FROM ${name} WHERE partition_id = ${partition}
       AND message_offset IN (SELECT message_offset FROM ${leaving})`;
  await connection.run(
    `DELETE FROM ${table} WHERE kafka_partition = ${partition}
       AND kafka_offset IN (SELECT message_offset FROM ${leaving})`,
  );
  await connection.run(lowerFailed(partition, leaving, hasReplays));
  await connection.run(from('sluice.quarantine'));
  if (hasRetired) await connection.run(from('sluice.retired'));
  if (hasReplays) await connection.run(from('sluice.replays'));
  await connection.run(
    `INSERT INTO sluice.forgotten VALUES (${literal(topic)}, ${literal(keyHash)}, ${partition},
       ${file === undefined ? 'NULL' : literal(file)}, ${merged}, ${others}, ${quarantined}, now())`,
  );
  return { merged, others };
}
