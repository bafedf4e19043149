/**
 * The newest state as a table, which the view reads instead of all history.
 *
 *   sluice.state   a row for each key, type and partition that the change log had when it was last merged: the last
 *                  change of all, deletes too; where the first one was; and whether it is the newest of its key
 *   sluice.merged  up to where the change log is in it
 *   the tail       the rows of the change log that are not
 *
 * A merge moves rows of the tail into the state, and `sluice.merged` with them, in one transaction. The view is that of
 * the state and the tail, at any moment. Deletes and snapshots count when it is read. How the tail is told differs
 * between `analytics.db` (merged-row.ts) and a lake.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { identifier, rowsOf } from '../../core/sql.js';
import type { TableSpec } from '../../schema/spec.js';
import { type FirstColumns, keyOf, newestOf, newestOfFew, presentOnes, snapshots, typeOf } from './newest.js';
import type { StateKind } from './settings.js';

/** Where the first row was of those that a row of the state stands for. */
export const FIRST: FirstColumns = { offset: '"first offset"', time: '"first time"' };
export const IS_NEWEST = '"is newest"';

/** How a database tells what of the change log is in the state. All is SQL. */
export interface StateRoom {
  /** Relation: the rows of the state. */
  readonly state: string;
  /** SELECT: where the tail begins. */
  readonly mark: (spec: TableSpec) => string;
  /** Relation: the rows of the state if it counts: if not, all of the change log is the tail. @param mark a relation */
  readonly counted: (mark: string) => string;
  /** Relation: the tail. */
  readonly tail: (spec: TableSpec, mark: string) => string;
  /** Relation: the rows of the change log that are in the state, found by partition and offset alone. */
  readonly merged: (spec: TableSpec) => string;
  /** Makes the tables, empty. In the connection's transaction, as are the others. */
  create(connection: DuckDBConnection, spec: TableSpec): Promise<void>;
  /** Does what a start has to do with tables that were there. */
  reopen(connection: DuckDBConnection, spec: TableSpec): Promise<void>;
}

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
  room: StateRoom,
  kind: StateKind | undefined,
): Promise<boolean> {
  const [{ has_state: exists }] = await rowsOf(connection, HAS_STATE);
  if (kind === 'view' || (kind === undefined && exists !== true)) {
    if (exists === true) await dropState(connection);
    return false;
  }
  if (exists === true) {
    // With another spec, other rows may be markers, and other columns tell keys apart.
    const [{ others }] = await rowsOf(
      connection,
      'SELECT count(*) AS others FROM sluice.merged ANTI JOIN sluice.meta USING (changed_at)',
    );
    if (others === 0n) {
      await room.reopen(connection, spec);
      return true;
    }
    await dropState(connection);
  }
  await room.create(connection, spec);
  return true;
}

export async function dropState(connection: DuckDBConnection): Promise<void> {
  await connection.run('DROP TABLE sluice.state; DROP TABLE sluice.merged');
}

/**
 * SQL of the view. Keys that the tail does not have are as the state says; of the others the newest is found. A query's
 * condition on the key, and which columns it asks for, reach each table that is read.
 */
export async function stateView(connection: DuckDBConnection, spec: TableSpec, room: StateRoom): Promise<string> {
  const [table, key, type] = [identifier(spec.table), keyOf(spec), typeOf(spec)];
  const found = await rowsOf(connection, `DESCRIBE ${table}`);
  const names = found.map(({ column_name }) => identifier(String(column_name)));
  const columns = names.join(', ');
  const few = [key, ...(type === undefined ? [] : [type]), 'kafka_partition, kafka_offset, kafka_timestamp'].join(', ');
  // Named one by one: DuckLake keeps the text that DuckDB makes of the view, which has no quotes in `"the rows".*`.
  const [changes, rows] = ['"the changes"', '"the rows"'].map((of) => names.map((name) => `${of}.${name}`).join(', '));
  // What is used several times is written several times. DuckDB keeps a common table expression of which there are
  // several uses for the query, with all columns and keys, and a view does not keep that it is NOT MATERIALIZED.
  const mark = `(${room.mark(spec)})`;
  const [counted, tail] = [room.counted(mark), room.tail(spec, mark)];
  // Conditions on the key do not get to the other side of a SEMI or ANTI JOIN, nor of IN. HAVING is as in newest.ts,
  // twice, as DuckDB takes the tail for longer than the state.
  const keys = `(
    SELECT "tail key" FROM (SELECT ${key} AS "tail key" FROM ${tail} GROUP BY ALL HAVING count(*) > 0)
    GROUP BY ALL HAVING count(*) > 0)`;
  const candidates = `(
    SELECT ${few}, ${FIRST.offset}, ${FIRST.time} FROM ${counted} JOIN ${keys} ON "tail key" = ${key}
    UNION ALL SELECT ${few}, kafka_offset, kafka_timestamp FROM ${tail})`;
  return `WITH ${newestOfFew(spec, candidates, FIRST)},
"the changes" AS (
  SELECT ${columns} FROM ${counted}
  UNION ALL SELECT ${columns} FROM ${tail}),
"the rows" AS (
  SELECT ${columns} FROM ${room.state} LEFT JOIN ${keys} ON "tail key" = ${key}
  WHERE "tail key" IS NULL AND ${IS_NEWEST} AND ${key} IS NOT NULL
  UNION ALL
  SELECT ${changes} FROM "the changes" JOIN "the newest" ON "the key" = ${key}
    AND "the newest".kafka_partition = "the changes".kafka_partition
    AND "the newest".kafka_offset = "the changes".kafka_offset${await withoutKey(connection, spec, columns)}
)${snapshots(spec)}
SELECT ${rows} FROM "the rows"
${presentOnes(spec, '"the rows"')}`;
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
