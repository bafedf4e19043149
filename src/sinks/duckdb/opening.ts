/** What a start does before the first batch: checks, removes, upgrades. The caller holds the database's lock. */
import { rmSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { RemovedFile } from '../../core/flow.js';
import type { TableSpec } from '../../schema/spec.js';
import { databasePath, recoveryFolder } from '../../storage/data-dir.js';
import { removeUnfinishedDatabases } from './database.js';
import { migrate } from './ddl.js';
import { checkFormat, DUCKDB_LAYOUT } from './format.js';
import { readLedgerState } from './ledger.js';
import type { LedgerState } from './ledger-files.js';
import { storeMaskKey } from './mask-key.js';
import { reconcileFiles } from './recovery.js';
import { isRetaining } from './retention.js';
import { openRetention } from './retention-tables.js';
import type { RetentionSettings, StateKind } from './settings.js';
import { hasOldNames, upgradeFolders } from './upgrade.js';

export interface DirectoryOptions {
  /** Absolute. */
  readonly dataDir: string;
  readonly topic: string;
  readonly spec: TableSpec;
  /** Undefined: as it is. */
  readonly state?: StateKind | undefined;
  /** Of the key of masks (`maskKeyId`); undefined: there is none. */
  readonly maskKeyId?: string | undefined;
  readonly retention: RetentionSettings;
}

export interface OpenedDirectory {
  readonly ledger: LedgerState;
  readonly removed: readonly RemovedFile[];
  /** The bit of `issues` that each column of the spec has. */
  readonly issueBits: readonly number[];
}

/**
 * Compares ledger and files, and removes leftovers, before anything is written: a write-ahead log that is put back
 * fits only the database as it was, and on a full disk leftovers take the space that the writes need. Only old names
 * of folders are changed first, which is a write.
 * @throws SluiceError SLUICE_CONFIG for another topic or key, or a newer format, SLUICE_UNEXPLAINED_FILES,
 *   SLUICE_SINK for files that are missing; then nothing was removed or written. SLUICE_SPEC_CHANGED, SLUICE_DATA_DIR
 */
export async function openDirectory(
  connection: DuckDBConnection,
  { dataDir, topic, spec, state, retention, maskKeyId }: DirectoryOptions,
): Promise<OpenedDirectory> {
  await checkFormat(connection, topic, maskKeyId);
  const found = await readLedgerState(connection);
  const isOld = hasOldNames(found);
  removeUnfinishedDatabases(databasePath(dataDir));
  // A recovery that was killed; one that works holds the lock, or there is no database to open.
  rmSync(recoveryFolder(dataDir), { recursive: true, force: true });
  let removed = isOld ? [] : reconcileFiles(dataDir, topic, found);
  const issueBits = await migrate(connection, spec, topic, DUCKDB_LAYOUT, state);
  await storeMaskKey(connection, spec, maskKeyId);
  if (isRetaining(retention)) await openRetention(connection);
  await upgradeFolders(connection, dataDir, topic);
  if (!isOld) return { ledger: found, removed, issueBits };
  const ledger = await readLedgerState(connection);
  removed = reconcileFiles(dataDir, topic, ledger);
  return { ledger, removed, issueBits };
}
