/** What only one process may do to a lake, with nobody else connected to its catalog. */
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { SluiceError } from '../../core/errors.js';
import { literal } from '../../core/sql.js';
import { type LakeParts, type LakePartsOptions, openParts } from './lake-parts.js';
import { queryServer } from './postgres-server.js';
import { isPostgres, withApplicationName } from './settings.js';

/** By which this process is told from others that use the catalog. */
const ID = randomUUID();
/** What this process has read with may only just be closed. */
const TRIES = 10;
const PAUSE_MS = 100;

/**
 * Opens a lake for a command that is to be alone: the tables of others stay as they are.
 * @param advice what to do without them
 * @throws SluiceError SLUICE_LOCKED if anybody else is connected to the catalog; as `openParts`
 */
export async function openAlone(
  options: LakePartsOptions,
  command: 'backfill' | 'forget',
  advice: string,
): Promise<LakeParts> {
  const { catalog } = options;
  if (!isPostgres(catalog)) return await openParts(options);
  const named = { ...options, catalog: withApplicationName(catalog, `sluice ${command} ${ID}`) };
  return await openParts(named, async (connection) => {
    for (let tries = 1; tries < TRIES && (await others(connection)).length > 0; tries++) await setTimeout(PAUSE_MS);
    await refuseOthers(connection, advice);
  });
}

/**
 * @param connection of a lake that `openAlone` opened, with its catalog in Postgres
 * @param advice what to do without them
 * @throws SluiceError SLUICE_LOCKED if there is anybody
 */
export async function refuseOthers(connection: DuckDBConnection, advice: string): Promise<void> {
  const [other] = await others(connection);
  if (other === undefined) return;
  throw new SluiceError(
    'SLUICE_LOCKED',
    `${other.who} is connected to the catalog: stop all that write to the lake or read it, ${advice}`,
  );
}

function others(connection: DuckDBConnection): Promise<Record<string, unknown>[]> {
  return queryServer(
    connection,
    `SELECT coalesce(nullif(application_name, ''), 'a client') || coalesce(' at ' || host(client_addr), '') AS who
     FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
       AND strpos(application_name, ${literal(ID)}) = 0 ORDER BY backend_start LIMIT 1`,
  );
}
