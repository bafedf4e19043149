/** Rows that wait in the catalog stay there when they are deleted, also when no snapshot has them any more. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { identifier, rowsOf } from '../../core/sql.js';
import { METADATA } from './lake.js';
import { executeOnServer } from './postgres-server.js';

/** Removes those that no snapshot has. A transaction that reads an older one still sees them. */
export async function removeDeadInlinedRows(connection: DuckDBConnection, isShared: boolean): Promise<void> {
  if (isShared) await connection.run('CALL pg_clear_cache()');
  const tables = await rowsOf(connection, `SELECT table_name FROM ${METADATA}.ducklake_inlined_data_tables`);
  const removeFrom = (schema: string, table: string) =>
    `DELETE FROM ${schema}${identifier(table)}
     WHERE end_snapshot <= (SELECT min(snapshot_id) FROM ${schema}ducklake_snapshot)`;
  for (const { table_name } of tables) {
    const table = String(table_name);
    // Postgres does not send rows to have them compared here.
    if (isShared) await executeOnServer(connection, removeFrom('', table));
    else await connection.run(removeFrom(`${METADATA}.`, table));
  }
}
