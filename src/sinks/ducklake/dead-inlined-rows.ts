/** Rows that wait in the catalog stay there when they are deleted, also when no snapshot has them any more. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { identifier, literal, rowsOf } from '../../core/sql.js';
import { METADATA } from './lake.js';

/** Removes those that no snapshot has. A transaction that reads an older one still sees them. */
export async function removeDeadInlinedRows(connection: DuckDBConnection, isShared: boolean): Promise<void> {
  if (isShared) await connection.run('CALL pg_clear_cache()');
  const tables = await rowsOf(connection, `SELECT table_name FROM ${METADATA}.ducklake_inlined_data_tables`);
  // Postgres does not send rows to have them compared here.
  const [schema, execute] = isShared
    ? ['', (sql: string) => `CALL postgres_execute('${METADATA}', ${literal(sql)})`]
    : [`${METADATA}.`, (sql: string) => sql];
  for (const { table_name } of tables) {
    await connection.run(
      execute(
        `DELETE FROM ${schema}${identifier(String(table_name))}
         WHERE end_snapshot <= (SELECT min(snapshot_id) FROM ${schema}ducklake_snapshot)`,
      ),
    );
  }
}
