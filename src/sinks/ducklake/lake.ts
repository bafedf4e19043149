/** The lake as DuckDB sees it: a database in memory that keeps nothing, with the lake attached. */
import { dirname } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { literal } from '../../core/sql.js';
import { sync } from '../../storage/data-dir.js';
import {
  extensionConfig,
  isObjectStore,
  loadExtension,
  type ObjectStoreOptions,
  openObjectStore,
} from '../../storage/object-store.js';
import { removeSpilled, spilledFiles, spillFolder, spillFolders } from '../../storage/spill.js';
import { attachError } from './lake-errors.js';
import { attachServer, whileOpening } from './postgres-server.js';
import { isPostgres } from './settings.js';

export interface LakeOptions extends ObjectStoreOptions {
  /** Path of a DuckDB file, or `postgres:` and a connection string. */
  readonly catalog: string;
  /** A folder or `s3://…`, without a slash at the end. */
  readonly dataPath: string;
  readonly threads: number;
  /** Bytes; undefined leaves it to DuckDB. */
  readonly memoryLimit: number | undefined;
  /** Where DuckDB spills to. */
  readonly dataDir: string;
}

/** A lake that is only read. */
export interface LakeReading {
  /** The number of a snapshot, or a time, for the lake as it was then; undefined: as it is. */
  readonly at: string | undefined;
  /** Of a time without one. */
  readonly timeZone: string;
}

/** What the lake is attached as. */
export const LAKE = 'lake';
/** What DuckLake attaches its catalog as. */
export const METADATA = `__ducklake_metadata_${LAKE}`;
/** Rows of Sluice's own tables that wait in the catalog before they are worth a file. */
export const INLINED_ROWS = 1_000_000;
const KEEP_SPILLED_MS = 86_400_000;

/**
 * Opens the lake, and makes one where there is none.
 * @param reading reads only, and makes none: SLUICE_CONFIG if there is none, or no such snapshot
 * @throws SluiceError SLUICE_LAKE if an extension is missing or catalog and files cannot be reached, SLUICE_CONFIG if
 *   the lake's files are elsewhere, SLUICE_LOCKED when another process has the catalog's file
 */
export async function openLake(options: LakeOptions, reading?: LakeReading): Promise<DuckDBInstance> {
  const { extensionDirectory, threads, memoryLimit, dataDir } = options;
  if (reading === undefined) removeOldSpills(dataDir);
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(threads),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    temp_directory: spillFolder(dataDir),
    ...extensionConfig(extensionDirectory),
    ...(memoryLimit !== undefined && { memory_limit: `${memoryLimit}B` }),
  });
  try {
    const connection = await instance.connect();
    await prepare(instance, connection, options, reading);
    connection.closeSync();
    return instance;
  } catch (thrown) {
    instance.closeSync();
    throw thrown;
  }
}

/** Of killed processes. A reader may be at work beside this one. */
function removeOldSpills(dataDir: string): void {
  const before = Date.now() - KEEP_SPILLED_MS;
  removeSpilled(new Map([...spilledFiles(spillFolders(dataDir))].filter(([, writtenMs]) => writtenMs < before)));
}

/** A connection whose tables are those of the lake. */
export async function connectLake(instance: DuckDBInstance): Promise<DuckDBConnection> {
  const connection = await instance.connect();
  await connection.run(`USE ${LAKE}`);
  return connection;
}

async function prepare(
  instance: DuckDBInstance,
  connection: DuckDBConnection,
  options: LakeOptions,
  reading: LakeReading | undefined,
): Promise<void> {
  const { catalog, dataPath, extensionDirectory } = options;
  await loadExtension(connection, 'ducklake', extensionDirectory);
  if (isPostgres(catalog)) await loadExtension(connection, 'postgres_scanner', extensionDirectory);
  if (isObjectStore(dataPath)) await openObjectStore(connection, options);
  if (reading !== undefined) await connection.run(`SET TimeZone = ${literal(reading.timeZone)}`);
  // DuckLake knows the bounds of the newest rows only: by these, it finds nothing of what others an older snapshot has.
  if (reading?.at !== undefined) await connection.run(`SET disabled_optimizers = 'statistics_propagation'`);
  const how = reading === undefined ? `DATA_INLINING_ROW_LIMIT ${INLINED_ROWS}` : howToRead(reading);
  try {
    const server = isPostgres(catalog) ? await attachServer(connection, catalog) : { path: catalog, options: [] };
    const lake = [`DATA_PATH ${literal(`${dataPath}/`)}`, how, ...server.options];
    const attach = async () => {
      await connection.run(`ATTACH ${literal(`ducklake:${server.path}`)} AS ${LAKE} (${lake.join(', ')})`);
    };
    if (isPostgres(catalog) && reading === undefined) await whileOpening(instance, attach);
    else await attach();
    // The name of a catalog in a file: DuckDB makes durable what is in it.
    if (!isPostgres(catalog) && reading === undefined) sync(dirname(catalog));
  } catch (cause) {
    throw attachError(cause, options);
  }
}

function howToRead({ at }: LakeReading): string {
  if (at === undefined) return 'READ_ONLY';
  return `READ_ONLY, ${/^\d+$/.test(at) ? `SNAPSHOT_VERSION ${at}` : `SNAPSHOT_TIME ${literal(at)}`}`;
}
