/** Which rows of the tables leave by their age, and what the ledger then says of them: for both sinks. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { assert } from '../../core/errors.js';
import { identifier, literal, rowsOf } from '../../core/sql.js';
import { roleColumn, type TableSpec } from '../../schema/spec.js';
import { ITSELF, keyOf, typeOf } from './newest.js';
import { olderThan } from './retention-tables.js';
import { lastOf } from './state-merge.js';

/** Of a transaction. */
export const PART_ROWS = 100_000;
/** Of all transactions of a pass. */
export const PASS_ROWS = 1_000_000;

/** A rollback for want of memory can leave a table that cannot be replaced anymore: each has a name of its own. */
let tables = 0;

/** The name of a new temporary table. */
export function nextLeaving(): string {
  return `temp.leaving_${tables++}`;
}

/** The newest state, if it is a table, and the rows of the change log that are in it: SQL relations. */
export interface MergedState {
  readonly state: string;
  readonly merged: string;
}

/**
 * Makes a table of old changes that are not the last of their key, type and partition, in parts of PART_ROWS.
 *
 * If the state is a table, they are in it and it has the last ones of them: no row of the state leaves. Rows without a
 * type belong to the first type of their key: of keys that have any, or several types, all changes stay. So do changes
 * without a key.
 * @param state undefined: it is no table
 * @returns how many, at most PASS_ROWS
 */
export async function findOld(
  connection: DuckDBConnection,
  spec: TableSpec,
  ageMs: number,
  name: string,
  state: MergedState | undefined,
): Promise<number> {
  const [table, key, type] = [identifier(spec.table), keyOf(spec), typeOf(spec)];
  const last = state?.state ?? `${name}_last`;
  if (state === undefined) await connection.run(`CREATE TEMP TABLE ${last} AS ${lastOf(spec, table, ITSELF, '0')}`);
  const ofSeveral = `SELECT ${key} FROM ${last} GROUP BY ALL
    HAVING count(DISTINCT ${type}) > 1 OR count(${type}) < count(*)`;
  await connection.run(
    `CREATE TEMP TABLE ${name} AS
     SELECT kafka_partition, kafka_offset,
       (row_number() OVER (ORDER BY kafka_partition, kafka_offset) - 1) // ${PART_ROWS} AS part
     FROM (SELECT kafka_partition, kafka_offset FROM ${state?.merged ?? table}
       JOIN ${olderThan(ageMs)} ON partition_id = kafka_partition AND kafka_offset < old_to
       ANTI JOIN (SELECT kafka_partition, kafka_offset FROM ${last}) USING (kafka_partition, kafka_offset)
       ${type === undefined ? '' : `ANTI JOIN (${ofSeveral}) USING (${key})`}
       WHERE ${key} IS NOT NULL
       ORDER BY kafka_partition, kafka_offset LIMIT ${PASS_ROWS})`,
  );
  if (state === undefined) await connection.run(`DROP TABLE ${last}`);
  const [{ rows }] = await rowsOf(connection, `SELECT count(*) AS rows FROM ${name}`);
  return Number(rows);
}

/**
 * SQL of the rows that `sluice.retired` has of changes; undefined if they have no ids.
 * @param old SQL relation of their partitions and offsets
 * @param within SQL: what is true of all of them, so that the statistics of files answer it
 */
export function retiredRows(spec: TableSpec, topic: string, old: string, within = 'true'): string | undefined {
  const changeId = roleColumn(spec, 'change_id');
  if (changeId === undefined) return undefined;
  return `SELECT topic: ${literal(topic)}, partition_id: kafka_partition, message_offset: kafka_offset,
      change_id: ${identifier(changeId.name)}, change_seq
    FROM ${identifier(spec.table)} SEMI JOIN ${old} USING (kafka_partition, kafka_offset)
    WHERE ${within}`;
}

/** As `retiredRows`. @returns how many changes were there */
export async function deleteChanges(
  connection: DuckDBConnection,
  spec: TableSpec,
  old: string,
  within = 'true',
): Promise<number> {
  const table = identifier(spec.table);
  const { rowsChanged } = await connection.run(
    `DELETE FROM ${table} USING (FROM ${old} old("old partition", "old offset"))
     WHERE kafka_partition = "old partition" AND kafka_offset = "old offset" AND ${within}`,
  );
  return rowsChanged;
}

/** SQL: quarantined messages that are old. */
const oldQuarantine = (ageMs: number) =>
  `FROM sluice.quarantine JOIN ${olderThan(ageMs)} USING (partition_id) WHERE message_offset < old_to`;

export async function hasOldQuarantine(connection: DuckDBConnection, ageMs: number): Promise<boolean> {
  return (await rowsOf(connection, `SELECT 1 ${oldQuarantine(ageMs)} LIMIT 1`)).length > 0;
}

/** @returns how many messages left, at most `maxRows` */
export async function retireQuarantine(
  connection: DuckDBConnection,
  ageMs: number,
  maxRows = PART_ROWS,
): Promise<number> {
  const old = nextLeaving();
  await connection.run(
    `CREATE TEMP TABLE ${old} AS SELECT partition_id AS kafka_partition, message_offset AS kafka_offset
     ${oldQuarantine(ageMs)}
     LIMIT ${maxRows}`,
  );
  const { rowsChanged } = await connection.run(
    `DELETE FROM sluice.quarantine USING ${old} WHERE partition_id = kafka_partition AND message_offset = kafka_offset`,
  );
  await countRetired(connection, 'quarantine_retired', old, rowsChanged);
  await connection.run(`DROP TABLE ${old}`);
  return rowsChanged;
}

/** Adds messages to the counter of their batches. @param rows how many they are in all */
export async function countRetired(
  connection: DuckDBConnection,
  counter: 'rows_retired' | 'quarantine_retired',
  messages: string,
  rows: number,
): Promise<void> {
  const batches = await rowsOf(
    connection,
    `SELECT partition_id, start_offset, count(*) AS rows FROM ${messages}
     JOIN sluice.batches ON partition_id = kafka_partition AND kafka_offset >= start_offset
       AND kafka_offset < next_offset
     GROUP BY ALL`,
  );
  const counted = batches.reduce((sum, batch) => sum + Number(batch.rows), 0);
  assert(counted === rows, 'each message that leaves is of one batch');
  if (rows === 0) return;
  const values = batches.map((batch) => `(${batch.partition_id}, ${batch.start_offset}, ${batch.rows})`);
  await connection.run(
    `UPDATE sluice.batches SET ${counter} = ${counter} + "the rows"
     FROM (VALUES ${values.join(', ')}) counted("the partition", "the start", "the rows")
     WHERE partition_id = "the partition" AND start_offset = "the start"`,
  );
}
