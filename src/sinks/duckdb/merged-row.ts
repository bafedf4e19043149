/**
 * What of the change log of `analytics.db` is in the state: all rows up to the one that `sluice.merged` names.
 *
 * The tail is told by DuckDB's row ids: rows are only added to the change log, after the others. Row ids change if
 * DuckDB makes row groups anew after rows were deleted; the others keep their order. So a row id counts only if its row
 * is the one with the partition and offset that were noted; else the whole change log is the tail, which is right, too,
 * until the row is found by these. Retention never takes it, nor any row of the state (retention.ts).
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { identifier, rowsOf } from '../../core/sql.js';
import { type TableSpec, tableColumns } from '../../schema/spec.js';
import { storedColumn } from './columns.js';
import { keyOf } from './newest.js';
import { FIRST, IS_NEWEST, type StateRoom } from './state.js';

export const DUCKDB_STATE: StateRoom = {
  state: 'sluice.state',
  mark: mergedTo,
  // Joins with the one row of the mark take less time to plan than a comparison with a subquery.
  counted: (mark) => `(SELECT s.* FROM sluice.state s JOIN ${mark} ON row_id >= 0)`,
  tail: ({ table }, mark) =>
    `(SELECT changes.* FROM ${identifier(table)} changes JOIN ${mark} ON changes.rowid > row_id)`,
  merged: (spec) =>
    `(FROM ${identifier(spec.table)} WHERE ${identifier(spec.table)}.rowid <= (${lookedUpMergedTo(spec)}))`,
  async create(connection, spec) {
    await connection.run(
      `CREATE TABLE sluice.merged (
         row_id BIGINT, partition_id INTEGER, message_offset BIGINT, changed_at TIMESTAMPTZ NOT NULL);
       INSERT INTO sluice.merged BY NAME SELECT changed_at FROM sluice.meta`,
    );
    await createState(connection, spec, 'state');
  },
  async reopen(connection, spec) {
    await findMerged(connection, spec);
  },
};

/**
 * Makes an empty table of the state. Its keys are compared with those of the tail, and with the one that a query asks
 * for: four times as fast as they are when compressed.
 */
export async function createState(connection: DuckDBConnection, spec: TableSpec, name: string): Promise<void> {
  const stored = new Map(tableColumns(spec).map((column) => [column.name, column]));
  const columns = await rowsOf(connection, `DESCRIBE ${identifier(spec.table)}`);
  const definitions = columns.map(({ column_name, column_type }) => {
    const column = stored.get(String(column_name));
    const plain = `${identifier(String(column_name))} ${column_type}`;
    if (column === undefined) return plain;
    const isKey = identifier(column.name) === keyOf(spec);
    return isKey ? `${plain} USING COMPRESSION uncompressed` : storedColumn(spec, column, { hasCompression: true });
  });
  const own = [`${FIRST.offset} BIGINT`, `${FIRST.time} TIMESTAMPTZ`, `${IS_NEWEST} BOOLEAN`];
  await connection.run(`CREATE TABLE sluice.${identifier(name)} (${[...definitions, ...own].join(', ')})`);
}

/** SQL: the id of the last row of the change log that is in the state, in the column `row_id`; -1 if none is. */
export function mergedTo(spec: TableSpec): string {
  const table = identifier(spec.table);
  return `SELECT coalesce(max(row_id), -1) AS row_id FROM sluice.merged JOIN ${table}
  ON ${table}.rowid = row_id AND kafka_partition = partition_id AND kafka_offset = message_offset`;
}

/** SQL as `mergedTo`, by partition and offset alone: right at any time, and slow. */
function lookedUpMergedTo(spec: TableSpec): string {
  const table = identifier(spec.table);
  return `SELECT coalesce(max(${table}.rowid), -1) AS row_id FROM sluice.merged JOIN ${table}
  ON kafka_partition = partition_id AND kafka_offset = message_offset`;
}

/**
 * Finds the last row that is in the state again if row ids have changed, in the connection's transaction.
 * @returns the id of the row; -1 if none is in the state
 */
export async function findMerged(connection: DuckDBConnection, spec: TableSpec): Promise<bigint> {
  const [{ row_id: noted }] = await rowsOf(connection, mergedTo(spec));
  if (noted !== -1n) return noted as bigint;
  const [{ row_id: found }] = await rowsOf(connection, lookedUpMergedTo(spec));
  if (found !== -1n) await connection.run(`UPDATE sluice.merged SET row_id = ${found}`);
  return found as bigint;
}

/** How many rows of the change log are not in the state. */
export async function tailRows(connection: DuckDBConnection, spec: TableSpec): Promise<number> {
  const [{ rows }] = await rowsOf(
    connection,
    `SELECT count(*) AS rows FROM ${DUCKDB_STATE.tail(spec, `(${mergedTo(spec)})`)}`,
  );
  return Number(rows);
}
