/** What a lake's catalog says of a whole table: the least and greatest values, which can be of deleted rows. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { identifier, literal, rowsOf } from '../../core/sql.js';
import { METADATA } from './lake.js';

const STATISTICS = `${METADATA}.ducklake_table_column_stats`;

/**
 * Has them be of the rows that there are, while nobody else uses the lake. They cannot be left out: DuckLake takes
 * those of the next file for those of the table then, and queries that rely on numbers being within them fail.
 */
export async function narrowStatistics(connection: DuckDBConnection): Promise<void> {
  const tables = await rowsOf(
    connection,
    `SELECT table_id, any_value(schema_name) AS schema, any_value(table_name) AS "table",
       list(column_id ORDER BY column_id) AS ids, list(column_name ORDER BY column_id) AS names,
       list(column_type LIKE 'float%' ORDER BY column_id) AS are_floats
     FROM ${STATISTICS} s JOIN ${METADATA}.ducklake_column c USING (table_id, column_id)
     JOIN ${METADATA}.ducklake_table t USING (table_id) JOIN ${METADATA}.ducklake_schema USING (schema_id)
     WHERE min_value IS NOT NULL AND parent_column IS NULL AND c.end_snapshot IS NULL AND t.end_snapshot IS NULL
     GROUP BY table_id`,
  );
  for (const { table_id, schema, table, ids, names, are_floats } of tables) {
    const isFloat = listOf(are_floats);
    const bounds = listOf(names).flatMap((name, index) => {
      const column = identifier(String(name));
      // There is a statistic of its own for these.
      const filter = isFloat[index] === true ? ` FILTER (NOT isnan(${column}))` : '';
      return ['min', 'max'].map((bound) => `(${bound}(${column})${filter})::VARCHAR AS ${bound}_${index}`);
    });
    const from = `${identifier(String(schema))}.${identifier(String(table))}`;
    const [found] = await rowsOf(connection, `SELECT ${bounds.join(', ')} FROM ${from}`);
    const text = (value: unknown) => (value === null ? 'NULL::VARCHAR' : literal(String(value)));
    const rows = listOf(ids).map((id, index) => {
      return `(${id}, ${text(found[`min_${index}`])}, ${text(found[`max_${index}`])})`;
    });
    await connection.run(
      `UPDATE ${STATISTICS} SET min_value = least, max_value = greatest
       FROM (VALUES ${rows.join(', ')}) bounds(id, least, greatest) WHERE table_id = ${table_id} AND column_id = id`,
    );
  }
}

function listOf(list: unknown): readonly unknown[] {
  return (list as { readonly items: readonly unknown[] }).items;
}
