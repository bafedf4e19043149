/** What `query`, `verify` and `recover` read: the database that SINK says. */
import { existsSync } from 'node:fs';
import type { Config } from '../config.js';
import { SluiceError } from '../core/errors.js';
import { isLive, openSql, type ReadDatabase, readFiles, type SqlClient } from '../query/sql-client.js';
import { connectLake, type LakeOptions, type LakeReading, openLake } from '../sinks/ducklake/lake.js';
import { isPostgres } from '../sinks/ducklake/settings.js';

/** The lake as it is, its times in UTC. */
const NOW: LakeReading = { at: undefined, timeZone: 'UTC' };

/**
 * Opens it through the process that runs on the data directory, or its files.
 * @throws SluiceError as `openSql`; for a lake as `openLake`
 */
export function openConfigured(config: Config): Promise<SqlClient> {
  return config.sink === 'duckdb' ? openSql(config.dataDir) : openSql(config.dataDir, () => openLakeFiles(config, NOW));
}

/** @param todo what to do about it @throws SluiceError SLUICE_LOCKED if a process runs on the data directory */
export function refuseRunning({ live }: Pick<SqlClient, 'live'>, dataDir: string, todo: string): void {
  if (live) throw new SluiceError('SLUICE_LOCKED', `a process runs on DATA_DIR=${dataDir}: ${todo}`);
}

/**
 * Opens the lake as it was.
 * @throws SluiceError SLUICE_CONFIG if it cannot be read so
 */
export async function openAt(config: Config, reading: LakeReading): Promise<SqlClient> {
  if (config.sink === 'duckdb') {
    throw new SluiceError('SLUICE_CONFIG', '--at is for a lake: SINK=duckdb has only the present');
  }
  if (!isPostgres(config.lake.catalog) && (await isLive(config.dataDir))) {
    throw new SluiceError(
      'SLUICE_CONFIG',
      'the process that runs on the catalog shares it as it is: say in the query of which time a table is, as in ' +
        `"FROM cdc_orders AT (VERSION => 42)", or "AT (TIMESTAMP => TIMESTAMPTZ '…')"`,
    );
  }
  return readFiles(await openLakeFiles(config, reading));
}

async function openLakeFiles(config: Config, reading: LakeReading): Promise<ReadDatabase> {
  const { catalog } = config.lake;
  if (!isPostgres(catalog) && !existsSync(catalog)) {
    throw new SluiceError('SLUICE_CONFIG', `there is no lake yet: LAKE_CATALOG=${catalog} is made by "sluice run"`);
  }
  const instance = await openLake(lakeOptions(config), reading);
  return { connect: () => connectLake(instance), close: () => instance.closeSync() };
}

/** @throws SluiceError SLUICE_CONFIG if there is no lake yet; as `openLake` */
export async function requireLake(config: Config): Promise<void> {
  (await openLakeFiles(config, NOW)).close();
}

function lakeOptions({ dataDir, lake, objectStore, duckdb: { threads, memoryLimit } }: Config): LakeOptions {
  return { dataDir, ...lake, objectStore, threads, memoryLimit };
}
