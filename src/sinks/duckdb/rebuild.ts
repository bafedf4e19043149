/**
 * Makes the database of a data directory from its Parquet files.
 *
 *   1. choose  the files that hold each message once
 *   2. build   DATA_DIR/.recovery/analytics.db: rows, ledger, positions; and what the old database still knows
 *   3. swap    the old database gets a second name; one rename puts the new one in its place
 *
 * Killed before the rename, the directory is as it was. The next start removes what was built until then, and after it
 * files that do not count.
 */
import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { isDamage, SluiceError, sinkError } from '../../core/errors.js';
import { databasePath, recoveryFolder, sync } from '../../storage/data-dir.js';
import { type BuiltDatabase, DatabaseBuilder, type RebuildOptions } from './database-builder.js';
import { type Inventory, takeInventory } from './file-inventory.js';
import { readLedgerState } from './ledger.js';
import type { LedgerState } from './ledger-files.js';
import { attachOld, OLD, type OldDatabase } from './old-database.js';
import { finishRewrites } from './recovery.js';
import { joinedRanges } from './retention-tables.js';

/** Named in a message. */
const MAX_RANGES = 3;

export interface Rebuild extends BuiltDatabase {
  /** The old database's name now; undefined if there was no old one. */
  readonly keptAs: string | undefined;
}

/**
 * Makes the new database and puts it in the place of the old one.
 * @throws SluiceError SLUICE_LOCKED, SLUICE_CONFIG, SLUICE_SPEC_CHANGED, SLUICE_UNEXPLAINED_FILES, SLUICE_SINK; then
 *   nothing has changed
 */
export async function rebuild(options: RebuildOptions): Promise<Rebuild> {
  const { dataDir, memoryLimit } = options;
  const folder = recoveryFolder(dataDir);
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    memory_limit: `${memoryLimit}B`,
    temp_directory: join(folder, 'spill'),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  try {
    const database = databasePath(dataDir);
    const old = existsSync(database) ? await attachOld(connection, database) : undefined;
    if (old !== undefined) finishRewrites(dataDir, options.topic, await oldLedger(connection));
    const inventory = await takeInventory(connection, dataDir, options.topic);
    checkOld(old, options, inventory);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    const built = await new DatabaseBuilder(connection, options, inventory, old).build(join(folder, 'analytics.db'));
    const keptAs = swap(dataDir, folder);
    return { ...built, keptAs };
  } catch (thrown) {
    if (isDamage(thrown)) {
      throw new SluiceError(
        'SLUICE_SINK',
        `analytics.db can be read only in part: ${(thrown as Error).message}. Nothing was changed. Move it away to ` +
          'recover without it: of quarantined messages there is no other copy here',
        { cause: thrown },
      );
    }
    throw sinkError(thrown, 'the database cannot be made from the Parquet files');
  } finally {
    connection.closeSync();
    instance.closeSync();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the old database says of files. */
async function oldLedger(connection: DuckDBConnection): Promise<LedgerState> {
  await connection.run(`USE ${OLD}`);
  const ledger = await readLedgerState(connection);
  await connection.run('USE memory');
  return ledger;
}

/** @throws SluiceError SLUICE_CONFIG for another topic or no files, SLUICE_UNEXPLAINED_FILES if files have left */
function checkOld(old: OldDatabase | undefined, { dataDir, topic }: RebuildOptions, { files }: Inventory): void {
  if (old !== undefined && old.topic !== topic) {
    throw new SluiceError('SLUICE_CONFIG', `DATA_DIR holds the topic ${old.topic}, KAFKA_TOPIC is ${topic}`);
  }
  const left = joinedRanges(old?.batches.filter(({ hasLeft }) => hasLeft) ?? []);
  if (left.length > 0) {
    const named = left.slice(0, MAX_RANGES).map((range) => `${range.start} to ${range.next} of ${range.partition}`);
    const more = left.length > MAX_RANGES ? ', …' : '';
    throw new SluiceError(
      'SLUICE_UNEXPLAINED_FILES',
      'files have left because of RETAIN_PARQUET, and only the database has what is still there of their rows: ' +
        `offsets ${named.join(', ')}${more} (partitions). Put analytics.db and parquet back as a copy of DATA_DIR ` +
        'has them, both of one moment; or move analytics.db away to recover without these rows, and "sluice run" ' +
        'reads none of them again',
    );
  }
  if (files.length === 0) {
    throw new SluiceError('SLUICE_CONFIG', `DATA_DIR=${dataDir} has no Parquet files of ${topic} to recover from`);
  }
}

/** Puts the new database in the place of the old one. @returns what the old one is called now */
function swap(dataDir: string, folder: string): string | undefined {
  const database = databasePath(dataDir);
  const prefix = `${database}.before-recovery-`;
  const kept = `${prefix}${new Date().toISOString().replaceAll(/[-:]/g, '')}`;
  const existed = existsSync(database);
  if (existed) {
    // A recovery that was killed here before has left a second name of the same file.
    const { ino } = statSync(database);
    for (const name of readdirSync(dataDir).map((name) => join(dataDir, name))) {
      if (name.startsWith(prefix) && statSync(name).ino === ino) rmSync(name);
    }
    linkSync(database, kept);
  }
  // A log is left only if the database cannot be opened: beside the new one it would be taken for its own.
  if (existsSync(`${database}.wal`)) renameSync(`${database}.wal`, `${kept}.wal`);
  sync(join(folder, 'analytics.db'));
  renameSync(join(folder, 'analytics.db'), database);
  sync(dataDir);
  return existed ? kept : undefined;
}
