/** Object stores, by DuckDB's extension httpfs. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { SluiceError } from '../core/errors.js';
import { literal } from '../core/sql.js';
import type { ObjectStoreSettings } from './settings.js';

/** How a DuckDB reaches an object store. */
export interface ObjectStoreOptions {
  readonly objectStore: ObjectStoreSettings;
  /** Undefined lets DuckDB download what it has not got. */
  readonly extensionDirectory: string | undefined;
}

export function isObjectStore(path: string): boolean {
  return path.startsWith('s3://');
}

/** Settings of an instance that loads extensions: without a download where there is a folder for them. */
export function extensionConfig(extensionDirectory: string | undefined): Record<string, string> {
  if (extensionDirectory === undefined) return {};
  return { extension_directory: extensionDirectory, autoinstall_known_extensions: 'false' };
}

/**
 * Installed by DuckDB if it may download, and taken from the folder if there is one.
 * @throws SluiceError SLUICE_LAKE
 */
export async function loadExtension(
  connection: DuckDBConnection,
  name: string,
  extensionDirectory: string | undefined,
): Promise<void> {
  try {
    if (extensionDirectory === undefined) await connection.run(`INSTALL ${name}`);
    await connection.run(`LOAD ${name}`);
  } catch (cause) {
    throw new SluiceError(
      'SLUICE_LAKE',
      `DuckDB's extension ${name} cannot be loaded: let DuckDB download it, with DUCKDB_EXTENSION_DIRECTORY unset, ` +
        `or put it into DUCKDB_EXTENSION_DIRECTORY, as <version>/<platform>/${name}.duckdb_extension: ` +
        (cause as Error).message.split('\n')[0],
      { cause },
    );
  }
}

/** Has `s3://` work on the connection's instance. @throws SluiceError SLUICE_LAKE */
export async function openObjectStore(
  connection: DuckDBConnection,
  { objectStore, extensionDirectory }: ObjectStoreOptions,
): Promise<void> {
  await loadExtension(connection, 'httpfs', extensionDirectory);
  await connection.run(secretOf(objectStore));
}

/** What DuckDB is to know of an object store. A bucket below an endpoint of one's own is part of the path. */
function secretOf({ accessKeyId, secretAccessKey, sessionToken, region, endpoint }: ObjectStoreSettings): string {
  const url = endpoint === undefined ? undefined : new URL(endpoint);
  const values = {
    KEY_ID: accessKeyId,
    SECRET: secretAccessKey,
    SESSION_TOKEN: sessionToken,
    REGION: region,
    ENDPOINT: url?.host,
    URL_STYLE: url && 'path',
    USE_SSL: url && String(url.protocol === 'https:'),
  };
  const given = Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key} ${literal(value)}`],
  );
  return `CREATE SECRET lake_files (${['TYPE s3', ...given].join(', ')})`;
}
