/** Renames the folders of a data directory that an older Sluice wrote. */
import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { sinkError } from '../../core/errors.js';
import { literal } from '../../core/sql.js';
import { sync, topicFolder } from '../../storage/data-dir.js';
import { PARTITION_KEY } from '../../storage/partition-key.js';
import type { LedgerState } from './ledger-files.js';

/** The key was `partition`, which hid a column of that name from every reader that takes keys for columns. */
const OLD_FOLDER = /^partition=\d+$/;
const OLD_KEY = 'partition';

/** Whether the ledger has names that `upgradeFolders` changes: until then, some files may have others already. */
export function hasOldNames({ files }: LedgerState): boolean {
  return files.some(({ name }) => name.includes(`/${OLD_KEY}=`));
}

/**
 * Renames the folders `partition=<p>` to `sluice_partition=<p>`, then the files in the ledger. Killed in between, the
 * next start does what is left: until the ledger has changed, nothing has been compared with it. The caller holds the
 * database's lock, and has raised the format version, so that no older Sluice opens what is renamed by half.
 * @throws SluiceError SLUICE_DATA_DIR when a folder cannot be renamed, SLUICE_SINK when the ledger cannot be changed
 */
export async function upgradeFolders(connection: DuckDBConnection, dataDir: string, topic: string): Promise<void> {
  const folder = topicFolder(dataDir, topic);
  try {
    const old = readdirSync(folder).filter((name) => OLD_FOLDER.test(name));
    for (const name of old) renameSync(join(folder, name), join(folder, name.replace(OLD_KEY, PARTITION_KEY)));
    // Also when all were renamed before: the names may not have reached the disk.
    sync(folder);
    const [before, after] = [OLD_KEY, PARTITION_KEY].map((key) => `parquet/${topic}/${key}=`);
    await connection.run(
      `UPDATE sluice.batches SET file = ${literal(after)} || substr(file, ${before.length + 1})
       WHERE starts_with(file, ${literal(before)})`,
    );
  } catch (thrown) {
    throw sinkError(thrown, `the folders of ${folder} cannot be named ${PARTITION_KEY}=…`);
  }
}
