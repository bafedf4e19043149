/** What a lake's catalog says of a whole table: the least and greatest values, which can be of deleted rows. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { SluiceError } from '../../core/errors.js';
import { identifier, literal, rowsOf } from '../../core/sql.js';
import { refuseOthers } from './alone.js';
import { METADATA } from './lake.js';
import { isLakeConflict } from './lake-errors.js';

const STATISTICS = `${METADATA}.ducklake_table_column_stats`;

/** One table, as `list` of SQL has its columns. */
type StatedTable = Record<'table_id' | 'schema' | 'table' | 'ids' | 'names' | 'are_floats', unknown>;

/**
 * Has them be of the rows that there are, while nobody else uses the lake. They cannot be left out: DuckLake takes
 * those of the next file for those of the table then, and queries that rely on numbers being within them fail.
 *
 * Bounds that leave rows out hide them from queries. So those of a table are set only if nothing was committed since
 * before its rows were read:
 *
 *   - what was committed before this transaction began is seen by its number;
 *   - what is committed beside it, and adds rows to the table, sets the same rows of the catalog as this does. Both
 *     transactions see what was there when they began (REPEATABLE READ in Postgres, DuckDB's own in a file), so that
 *     the second one to change a row fails. That is this one, which has changed nothing then; or the other one, which
 *     DuckLake tries again from the bounds that are set now.
 *
 * Older snapshots have the same bounds: conditions on these columns may not find there what is in no newest row.
 *
 * @param isShared the catalog is in Postgres
 * @param advice what to do without others
 * @param column of the tables that have it; undefined: all columns of all tables
 * @throws SluiceError SLUICE_LOCKED if another process is connected, or has committed: what is not set stays wider,
 *   which hides no row
 */
export async function narrowStatistics(
  connection: DuckDBConnection,
  isShared: boolean,
  advice: string,
  column?: string,
): Promise<void> {
  const refuse = async () => {
    if (isShared) await refuseOthers(connection, advice);
  };
  await refuse();
  const tables = await rowsOf(
    connection,
    `SELECT table_id, any_value(schema_name) AS schema, any_value(table_name) AS "table",
       list(column_id ORDER BY column_id) AS ids, list(column_name ORDER BY column_id) AS names,
       list(column_type LIKE 'float%' ORDER BY column_id) AS are_floats
     FROM ${STATISTICS} s JOIN ${METADATA}.ducklake_column c USING (table_id, column_id)
     JOIN ${METADATA}.ducklake_table t USING (table_id) JOIN ${METADATA}.ducklake_schema USING (schema_id)
     WHERE min_value IS NOT NULL AND parent_column IS NULL AND c.end_snapshot IS NULL AND t.end_snapshot IS NULL
       ${column === undefined ? '' : `AND column_name = ${literal(column)}`}
     GROUP BY table_id`,
  );
  for (const table of tables) {
    const known = await lastSnapshot(connection);
    const bounds = await boundsNow(connection, table as StatedTable);
    const isSet = await setBounds(connection, table as StatedTable, bounds, known);
    if (!isSet) throw new SluiceError('SLUICE_LOCKED', `another process has committed: stop it, ${advice}`);
  }
  // Who came meanwhile may have read the old ones, which the next commit of that process would put back.
  await refuse();
}

/** @returns SQL: rows of column id, least and greatest value */
async function boundsNow(connection: DuckDBConnection, of: StatedTable): Promise<string> {
  const isFloat = listOf(of.are_floats);
  const bounds = listOf(of.names).flatMap((name, index) => {
    const column = identifier(String(name));
    // There is a statistic of its own for these.
    const filter = isFloat[index] === true ? ` FILTER (NOT isnan(${column}))` : '';
    return ['min', 'max'].map((bound) => `(${bound}(${column})${filter})::VARCHAR AS ${bound}_${index}`);
  });
  const from = `${identifier(String(of.schema))}.${identifier(String(of.table))}`;
  const [found] = await rowsOf(connection, `SELECT ${bounds.join(', ')} FROM ${from}`);
  const text = (value: unknown) => (value === null ? 'NULL::VARCHAR' : literal(String(value)));
  const rows = listOf(of.ids).map((id, index) => {
    return `(${id}, ${text(found[`min_${index}`])}, ${text(found[`max_${index}`])})`;
  });
  return rows.join(', ');
}

/** @param known the last snapshot, whose rows have the bounds @returns false if there is another one since */
async function setBounds(
  connection: DuckDBConnection,
  { table_id }: StatedTable,
  bounds: string,
  known: bigint,
): Promise<boolean> {
  await connection.run('BEGIN');
  try {
    const isLast = (await lastSnapshot(connection)) === known;
    if (isLast) {
      await connection.run(
        `UPDATE ${STATISTICS} SET min_value = least, max_value = greatest
         FROM (VALUES ${bounds}) bounds(id, least, greatest) WHERE table_id = ${table_id} AND column_id = id`,
      );
    }
    await connection.run('COMMIT');
    return isLast;
  } catch (thrown) {
    await connection.run('ROLLBACK').catch(() => {});
    if (isLakeConflict(thrown)) return false;
    throw thrown;
  }
}

async function lastSnapshot(connection: DuckDBConnection): Promise<bigint> {
  const [{ id }] = await rowsOf(connection, `SELECT max(snapshot_id) AS id FROM ${METADATA}.ducklake_snapshot`);
  return id as bigint;
}

function listOf(list: unknown): readonly unknown[] {
  return (list as { readonly items: readonly unknown[] }).items;
}
