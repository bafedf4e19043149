/** An open lake of a topic: its tables, and who may commit to it. */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { makeFolder } from '../../storage/data-dir.js';
import { isObjectStore } from '../../storage/object-store.js';
import { DeleteFiles } from './delete-files.js';
import { connectLake, type LakeOptions, openLake } from './lake.js';
import { FileOwnership, type Ownership } from './ownership.js';
import { PostgresOwnership } from './postgres-ownership.js';
import { whileOpening } from './postgres-server.js';
import { isPostgres } from './settings.js';
import { openTables, readLastCommit, type TableOptions } from './tables.js';

export interface LakePartsOptions extends LakeOptions, TableOptions {
  /** What this process is called in the catalog. */
  readonly owner: string;
}

export interface LakeParts {
  readonly instance: DuckDBInstance;
  /** Of the commits. */
  readonly connection: DuckDBConnection;
  readonly deleteFiles: DeleteFiles;
  readonly ownership: Ownership;
  /** The bit of `issues` that each column of the spec has. */
  readonly issueBits: readonly number[];
}

/**
 * Opens the lake, and makes what is missing.
 * @param before looks at the lake before its tables are touched
 * @throws as `openLake` and `openTables`, what `before` throws; then all is closed
 */
export async function openParts(
  options: LakePartsOptions,
  before?: (connection: DuckDBConnection) => Promise<void>,
): Promise<LakeParts> {
  const { catalog, dataPath, topic, owner, spec } = options;
  if (!isObjectStore(dataPath)) makeFolder(dataPath);
  const instance = await openLake(options);
  const connection = await connectLake(instance);
  const deleteFiles = new DeleteFiles(await instance.connect(), dataPath, spec);
  try {
    const open = async () => {
      await before?.(connection);
      const issueBits = await openTables(connection, options);
      const ownership = isPostgres(catalog)
        ? await PostgresOwnership.open(instance, topic, owner)
        : new FileOwnership(await readLastCommit(connection));
      return { instance, connection, deleteFiles, ownership, issueBits };
    };
    return isPostgres(catalog) ? await whileOpening(instance, open) : await open();
  } catch (thrown) {
    deleteFiles.close();
    connection.closeSync();
    instance.closeSync();
    throw thrown;
  }
}

export function closeParts({ instance, connection, deleteFiles, ownership }: LakeParts): void {
  for (const part of [ownership, deleteFiles]) part.close();
  connection.closeSync();
  instance.closeSync();
}
