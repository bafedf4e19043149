/** What `sluice doctor` asks of a lake. Nothing is made, downloaded or opened for writing. */
import { existsSync } from 'node:fs';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { Config } from '../config.js';
import { SluiceError } from '../core/errors.js';
import { globLiteral, rowsOf } from '../core/sql.js';
import type { SqlClient } from '../query/sql-client.js';
import { attachError, filesError } from '../sinks/ducklake/lake-errors.js';
import { attachServer, queryServer } from '../sinks/ducklake/postgres-server.js';
import { isPostgres } from '../sinks/ducklake/settings.js';
import { extensionConfig, isObjectStore, loadExtension, openObjectStore } from '../storage/object-store.js';
import { diskFinding, ownershipText, refuseUnwritable } from './doctor-data.js';
import { type DoctorLine, type Finding, failure, lineOf } from './doctor-line.js';
import { openConfigured } from './open-sql.js';

/** Extensions, catalog and files. @returns the lake if there is one and it is this topic's; the caller closes it */
export async function* lakeLines(config: Config): AsyncGenerator<DoctorLine, SqlClient | undefined> {
  const { extensionDirectory } = config.lake;
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    ...extensionConfig(extensionDirectory),
  });
  let client: SqlClient | undefined;
  try {
    const connection = await instance.connect();
    const extensions = await lineOf('DuckDB extensions', () => extensionsFinding(connection, config));
    yield extensions;
    if (extensions.outcome === 'ok') {
      client = yield* catalogLine(connection, config);
      yield await lineOf('lake files', () => filesFinding(connection, config));
    } else {
      yield { check: 'lake catalog', outcome: 'skip', text: 'needs the extensions' };
      yield { check: 'lake files', outcome: 'skip', text: 'needs the extensions' };
    }
    return client;
  } finally {
    instance.closeSync();
  }
}

async function extensionsFinding(connection: DuckDBConnection, { lake }: Config): Promise<Finding> {
  const needed = [
    'ducklake',
    ...(isPostgres(lake.catalog) ? ['postgres_scanner'] : []),
    ...(isObjectStore(lake.dataPath) ? ['httpfs'] : []),
  ];
  if (lake.extensionDirectory === undefined) {
    const rows = await rowsOf(connection, 'SELECT extension_name AS name FROM duckdb_extensions() WHERE installed');
    const installed = new Set(rows.map(({ name }) => name));
    const missing = needed.filter((name) => !installed.has(name));
    if (missing.length > 0) {
      const text =
        `${missing.join(', ')} will be downloaded by the start; without a network, put them into a folder and set ` +
        'DUCKDB_EXTENSION_DIRECTORY';
      return { outcome: 'warn', text };
    }
  }
  for (const name of needed) await loadExtension(connection, name, lake.extensionDirectory);
  return { outcome: 'ok', text: needed.join(', ') };
}

async function* catalogLine(
  connection: DuckDBConnection,
  config: Config,
): AsyncGenerator<DoctorLine, SqlClient | undefined> {
  const check = 'lake catalog';
  let client: SqlClient | undefined;
  try {
    const { where, hasLake } = await findCatalog(connection, config);
    if (!hasLake) {
      yield { check, outcome: 'ok', text: `${where}; there is no lake yet: the first start makes it` };
      return undefined;
    }
    client = await openConfigured(config);
    yield { check, outcome: 'ok', text: `${where}; ${await ownershipText(client, config)}` };
    return client;
  } catch (thrown) {
    client?.close();
    yield { check, ...failure(thrown) };
    return undefined;
  }
}

/** @throws SluiceError SLUICE_LAKE, SLUICE_DATA_DIR */
async function findCatalog(
  connection: DuckDBConnection,
  { dataDir, lake: { catalog, dataPath, extensionDirectory }, duckdb, objectStore }: Config,
): Promise<{ where: string; hasLake: boolean }> {
  if (!isPostgres(catalog)) {
    refuseUnwritable('LAKE_CATALOG', catalog, 'file');
    return { where: `${catalog} can be written`, hasLake: existsSync(catalog) };
  }
  try {
    await attachServer(connection, catalog);
    const [{ version, has_lake, may_create }] = await queryServer(
      connection,
      `SELECT current_setting('server_version') AS version, to_regclass('ducklake_metadata') IS NOT NULL AS has_lake,
       has_schema_privilege(current_schema(), 'CREATE') AS may_create`,
    );
    if (may_create !== true && has_lake !== true) {
      throw new SluiceError(
        'SLUICE_LAKE',
        'the user of LAKE_CATALOG may not make tables: grant it CREATE on the schema',
      );
    }
    return { where: `Postgres ${version} answers`, hasLake: has_lake === true };
  } catch (cause) {
    const { threads, memoryLimit } = duckdb;
    throw attachError(cause, { catalog, dataDir, dataPath, extensionDirectory, objectStore, threads, memoryLimit });
  }
}

async function filesFinding(connection: DuckDBConnection, config: Config): Promise<Finding> {
  const { dataPath, extensionDirectory } = config.lake;
  if (!isObjectStore(dataPath)) {
    refuseUnwritable('LAKE_DATA_PATH', dataPath);
    return diskFinding(dataPath, config);
  }
  try {
    await openObjectStore(connection, { objectStore: config.objectStore, extensionDirectory });
    await rowsOf(connection, `SELECT count(*) FROM glob(${globLiteral(dataPath, '*')})`);
  } catch (cause) {
    throw cause instanceof SluiceError ? cause : filesError(cause, dataPath);
  }
  return { outcome: 'ok', text: `${dataPath} can be listed` };
}
