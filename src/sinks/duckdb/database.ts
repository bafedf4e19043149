/** The database of a data directory as a file: made whole, opened by one process. */
import { randomUUID } from 'node:crypto';
import { existsSync, linkSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { SluiceError, sinkError } from '../../core/errors.js';
import { databasePath, sync } from '../../storage/data-dir.js';
import { removeSpilled, spilledFiles, spillFolders } from '../../storage/spill.js';

export interface DatabaseOptions {
  /** Absolute. */
  readonly dataDir: string;
  readonly threads: number;
  /** Bytes; undefined leaves it to DuckDB. */
  readonly memoryLimit: number | undefined;
}

/** Above what a group's small tables write: bulk rows go past the log, and a checkpoint in between costs throughput. */
const CHECKPOINT_THRESHOLD = '1GB';
/** The oldest DuckDB that can read the file: its format costs a tenth less to write than that of 1.2. */
export const STORAGE_VERSION = 'v1.4.0';

const newDatabase = (path: string) => `.${basename(path)}.new-`;

/** Where a database is until it is whole. It ends at random: in a container, each start has the same process id. */
export function unfinishedDatabase(path: string): string {
  return join(dirname(path), `${newDatabase(path)}${randomUUID()}`);
}

/**
 * Makes the empty database of a data directory that has none. It gets its name when it is whole and durable: a process
 * that is killed here, or a full disk, leaves nothing that a start would take for a database. If another process makes
 * one at the same time, that one stays.
 * @throws SluiceError SLUICE_DATA_DIR or SLUICE_SINK if it cannot be made
 */
export async function createDatabase(options: DatabaseOptions): Promise<void> {
  const path = databasePath(options.dataDir);
  const unfinished = unfinishedDatabase(path);
  try {
    (await openDatabase(unfinished, options)).closeSync();
    sync(unfinished);
    linkSync(unfinished, path);
    sync(dirname(path));
  } catch (cause) {
    // ENOENT: the process that made the other one has the lock by now, and removed this one.
    const isOvertaken = ['EEXIST', 'ENOENT'].includes(`${(cause as NodeJS.ErrnoException).code}`);
    if (!isOvertaken || !existsSync(path)) throw sinkError(cause, `${path} cannot be made`);
  } finally {
    for (const name of [unfinished, `${unfinished}.wal`]) rmSync(name, { force: true });
  }
}

/** Removes what processes left that were killed while they made the database. The caller holds the database's lock. */
export function removeUnfinishedDatabases(path: string): void {
  const folder = dirname(path);
  const names = readdirSync(folder).filter((name) => name.startsWith(newDatabase(path)));
  // A process that is still at it removes its own at the same time.
  for (const name of names) rmSync(join(folder, name), { force: true });
}

/**
 * Opens a data directory's database for writing, which keeps other processes out; removes what killed ones had spilled.
 * @throws SluiceError SLUICE_LOCKED when another process has it, SLUICE_DATA_DIR or SLUICE_SINK when it cannot be used
 */
export async function openDatabase(path: string, options: DatabaseOptions): Promise<DuckDBInstance> {
  const { dataDir, threads, memoryLimit } = options;
  try {
    const spilled = spilledFiles([`${path}.tmp`, ...spillFolders(dataDir)]);
    const instance = await DuckDBInstance.create(path, {
      threads: String(threads),
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      checkpoint_threshold: CHECKPOINT_THRESHOLD,
      storage_compatibility_version: STORAGE_VERSION,
      // Next to nothing is deleted from the change log; to join its row groups would write most of them again.
      max_vacuum_tasks: '0',
      ...(memoryLimit !== undefined && { memory_limit: `${memoryLimit}B` }),
    });
    removeSpilled(spilled);
    return instance;
  } catch (cause) {
    const holder = /Conflicting lock is held in (.+?\(PID \d+\))/.exec((cause as Error).message)?.[1];
    if (holder === undefined) throw sinkError(cause, `${path} cannot be opened`);
    throw new SluiceError(
      'SLUICE_LOCKED',
      `DATA_DIR=${dataDir} is held by ${holder}: stop that process, or use another DATA_DIR`,
      { cause },
    );
  }
}
