/** A database without the rows that were deleted, which DuckDB leaves in its blocks. */
import { renameSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { identifier, literal, rowsOf } from '../../core/sql.js';
import { sync } from '../../storage/data-dir.js';
import { STORAGE_VERSION, unfinishedDatabase } from './database.js';

/**
 * Copies all that a connection's database has to a new file, and renames it over the old one, which the connection must
 * not write to afterwards. The lock stays with the old file until this process has closed it.
 */
export async function renewDatabase(connection: DuckDBConnection, path: string): Promise<void> {
  const fresh = unfinishedDatabase(path);
  const [{ name }] = await rowsOf(connection, 'SELECT current_database() AS name');
  try {
    await connection.run('DROP TABLE IF EXISTS temp.columns_of_spec; DROP TABLE IF EXISTS temp.forgetting; CHECKPOINT');
    await connection.run(`ATTACH ${literal(fresh)} AS fresh (STORAGE_VERSION '${STORAGE_VERSION}')`);
    await connection.run(`COPY FROM DATABASE ${identifier(String(name))} TO fresh`);
    await connection.run('CHECKPOINT fresh; DETACH fresh');
    sync(fresh);
    renameSync(fresh, path);
    sync(dirname(path));
  } finally {
    for (const file of [fresh, `${fresh}.wal`]) rmSync(file, { force: true });
  }
}

/** Names of other databases beside that of a data directory: `recover` keeps the old one. */
export function isOldDatabase(name: string): boolean {
  return /^analytics\.db\.(?!wal$|tmp$)/.test(basename(name));
}
