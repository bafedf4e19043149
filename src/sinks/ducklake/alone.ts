/** What only one process may do to a lake, with nobody else connected to its catalog. */
import { randomUUID } from 'node:crypto';
import type { DuckDBConnection } from '@duckdb/node-api';
import { SluiceError } from '../../core/errors.js';
import { literal } from '../../core/sql.js';
import { queryServer } from './postgres-server.js';

/** By which this process is told from others that use the catalog. */
export const APPLICATION = `sluice alone ${randomUUID()}`;

/**
 * @param connection of a lake with its catalog in Postgres, as APPLICATION
 * @param todo what to do without them
 * @throws SluiceError SLUICE_LOCKED if there is anybody
 */
export async function refuseOthers(connection: DuckDBConnection, todo: string): Promise<void> {
  const others = await queryServer(
    connection,
    `SELECT coalesce(nullif(application_name, ''), 'a client') || coalesce(' at ' || host(client_addr), '') AS who
     FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
       AND application_name <> ${literal(APPLICATION)} ORDER BY backend_start LIMIT 1`,
  );
  if (others.length === 0) return;
  throw new SluiceError(
    'SLUICE_LOCKED',
    `${others[0].who} is connected to the catalog: stop all that write to the lake or read it, ${todo}`,
  );
}
