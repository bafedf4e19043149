/**
 * The newest state as a table, which the view reads instead of all history.
 *
 *   sluice.state   a row for each key, type and partition that the change log had when it was last merged: the last
 *                  change of all, deletes too; where the first one was; and whether it is the newest of its key
 *   sluice.merged  the last row of the change log that is in it
 *   the tail       the rows of the change log after that one
 *
 * A merge moves rows of the tail into the state and `sluice.merged` to the last of them, in one transaction
 * (state-merge.ts). The view is that of the state and the tail, at any moment. Deletes and snapshots count when it is
 * read.
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
import { type FirstColumns, keyOf, newestOf, presentOnes, snapshots } from './newest.js';
import type { StateKind } from './settings.js';

/** Where the first row was of those that a row of the state stands for. */
export const FIRST: FirstColumns = { offset: '"first offset"', time: '"first time"' };
export const IS_NEWEST = '"is newest"';

/** SQL: whether there is a state, in the column `has_state`. */
export const HAS_STATE = `SELECT count(*) > 0 AS has_state FROM duckdb_tables()
  WHERE database_name = current_database() AND schema_name = 'sluice' AND table_name = 'state'`;

/**
 * Makes the tables, empty, if the state is to be a table and there is none for the spec as it is; removes them if it is
 * to be a view. In the connection's transaction, after the spec was written.
 * @param kind undefined: as it is
 * @returns whether there is a state now
 */
export async function openState(
  connection: DuckDBConnection,
  spec: TableSpec,
  kind: StateKind | undefined,
): Promise<boolean> {
  const [{ has_state: exists }] = await rowsOf(connection, HAS_STATE);
  if (kind === 'view' || (kind === undefined && exists !== true)) {
    if (exists === true) await dropState(connection);
    return false;
  }
  if (exists === true) {
    // With another spec, other rows may be markers, and other columns tell keys apart.
    const [{ count }] = await rowsOf(
      connection,
      'SELECT count(*) AS count FROM sluice.merged SEMI JOIN sluice.meta USING (changed_at)',
    );
    if (count === 1n) {
      await findMerged(connection, spec);
      return true;
    }
    await dropState(connection);
  }
  await connection.run(
    `CREATE TABLE sluice.merged (
       row_id BIGINT, partition_id INTEGER, message_offset BIGINT, changed_at TIMESTAMPTZ NOT NULL);
     INSERT INTO sluice.merged BY NAME SELECT changed_at FROM sluice.meta`,
  );
  await createState(connection, spec, 'state');
  return true;
}

async function dropState(connection: DuckDBConnection): Promise<void> {
  await connection.run('DROP TABLE sluice.state; DROP TABLE IF EXISTS sluice.merged');
}

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
export function lookedUpMergedTo(spec: TableSpec): string {
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
  const table = identifier(spec.table);
  const [{ rows }] = await rowsOf(
    connection,
    `SELECT count(*) AS rows FROM ${table} WHERE ${table}.rowid > (${mergedTo(spec)})`,
  );
  return Number(rows);
}

/** SQL of the view. Keys that the tail does not have are as the state says; of the others the newest is found. */
export async function stateView(connection: DuckDBConnection, spec: TableSpec): Promise<string> {
  const [table, key] = [identifier(spec.table), keyOf(spec)];
  const found = await rowsOf(connection, `DESCRIBE ${table}`);
  const names = found.map(({ column_name }) => identifier(String(column_name)));
  const columns = names.join(', ');
  const candidates = names.map((name) => `"the candidates".${name}`).join(', ');
  // Of a form that DuckDB makes no other join of: it takes the tail for longer than the state, and would build its
  // table of that one.
  const isTouched = `coalesce(${key} IN (SELECT ${key} FROM "the tail"), false)`;
  const sql = `WITH "the tail" AS (
  SELECT * FROM ${table} WHERE ${table}.rowid > (${mergedTo(spec)})),
"the candidates" AS (
  SELECT ${columns}, ${FIRST.offset}, ${FIRST.time} FROM sluice.state
  WHERE ${isTouched} AND (${mergedTo(spec)}) >= 0
  UNION ALL SELECT ${columns}, kafka_offset, kafka_timestamp FROM "the tail"),
${newestOf(spec, '"the candidates"', FIRST)},
"the rows" AS (
  SELECT ${columns} FROM sluice.state WHERE ${IS_NEWEST} AND ${key} IS NOT NULL AND NOT ${isTouched}
  UNION ALL
  SELECT ${candidates} FROM "the candidates" JOIN "the newest" ON "the key" = ${key}
    AND "the newest".kafka_partition = "the candidates".kafka_partition
    AND "the newest".kafka_offset = "the candidates".kafka_offset${await withoutKey(connection, spec, columns)}
)${snapshots(spec)}
SELECT "the rows".* FROM "the rows"
${presentOnes(spec, '"the rows"')}`;
  // What is kept for the query would be all of it, not what the query asks for.
  return sql.replaceAll(/(?<=^(WITH )?"[^"]+" AS )(?=\()/gm, 'NOT MATERIALIZED ');
}

/** SQL of the newest row without a key. There is none but of a spec that had its key in another column. */
async function withoutKey(connection: DuckDBConnection, spec: TableSpec, columns: string): Promise<string> {
  const [table, key] = [identifier(spec.table), keyOf(spec)];
  const [{ count }] = await rowsOf(connection, `SELECT count(*) AS count FROM ${table} WHERE ${key} IS NULL`);
  if (count === 0n) return '';
  return `
  UNION ALL
  (WITH ${newestOf(spec, `(FROM ${table} WHERE ${key} IS NULL)`)}
  SELECT ${columns} FROM ${table} SEMI JOIN "the newest" USING (kafka_partition, kafka_offset))`;
}
