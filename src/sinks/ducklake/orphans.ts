/**
 * Files of a lake that nobody registered: a process was killed between writing and committing them.
 *
 * Those of the owner of a partition may still be registered; those of an owner before it never will be, whatever that
 * process does, for the catalog refuses its commits. With a catalog in a file there is no other process.
 */
import { rmSync } from 'node:fs';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { RemovedFile } from '../../core/flow.js';
import { changesFolder, parseLakeFilePath, partitionFolder, quarantineFolder } from '../../storage/lake-files.js';
import { isObjectStore } from '../../storage/object-store.js';
import { claimDataPath, filesBelow } from './data-path.js';
import { connectLake } from './lake.js';
import type { LakeTable } from './lake-transaction.js';
import type { Ownership } from './ownership.js';
import { knownFiles, scheduleRemoval } from './registered-files.js';

/** What a start does. @throws SluiceError as `claimDataPath` */
export async function settleFiles(
  connection: DuckDBConnection,
  table: LakeTable,
  ownership: Ownership,
): Promise<RemovedFile[]> {
  await claimDataPath(connection, table);
  return await removeOrphans(connection, table, ownership.isShared ? await ownership.epochs() : undefined);
}

/** How often `retry` tries again. */
const RETRY_EVERY_MS = 30_000;

/** Those of partitions that this process claimed. A claim does not fail for want of their removal. */
export class ClaimedOrphans {
  readonly #instance: DuckDBInstance;
  readonly #table: LakeTable;
  readonly #epochs: ReadonlyMap<number, number>;
  /** Partitions whose leftovers could not be removed yet. */
  readonly #pending = new Set<number>();
  #triedMs = 0;
  /** Of the last try; undefined if it removed all. */
  #reason: string | undefined;
  #saidReason: string | undefined;
  /** What was removed, and not said yet. */
  #removed: RemovedFile[] = [];

  /** @param epochs of the partitions that this process owns, as they are now */
  constructor(instance: DuckDBInstance, table: LakeTable, epochs: ReadonlyMap<number, number>) {
    this.#instance = instance;
    this.#table = table;
    this.#epochs = epochs;
  }

  /** Removes those of the partitions, and of those of earlier calls that failed. */
  async remove(partitions: readonly number[]): Promise<void> {
    for (const partition of partitions) this.#pending.add(partition);
    const owned = [...this.#pending].filter((partition) => this.#epochs.has(partition));
    this.#triedMs = performance.now();
    this.#reason = undefined;
    if (owned.length === 0) return;
    try {
      const connection = await connectLake(this.#instance);
      // As they are before the files are listed: a partition may be given up and claimed again meanwhile.
      const removing = removeOrphans(connection, this.#table, new Map(this.#epochs), owned);
      this.#removed.push(...(await removing.finally(() => connection.closeSync())));
      for (const partition of owned) this.#pending.delete(partition);
    } catch (thrown) {
      this.#reason = (thrown as Error).message.split('\n')[0];
    }
  }

  /** What `remove` removed since the last call of this. */
  takeRemoved(): RemovedFile[] {
    return this.#removed.splice(0);
  }

  /**
   * Removes what calls of `remove` could not, not more often than is worth a try.
   * @param now whenever that was tried last
   * @returns why some stay for the time being, once for each reason in a row
   */
  async retry(now: boolean): Promise<string[]> {
    if (now || performance.now() - this.#triedMs > RETRY_EVERY_MS) await this.remove([]);
    if (this.#reason === this.#saidReason) return [];
    this.#saidReason = this.#reason;
    if (this.#reason === undefined) return [];
    return [`files of commits that were not finished stay for now, which costs nothing but space: ${this.#reason}`];
  }
}

/**
 * Removes them; from an object store when DuckLake removes what it needs no longer.
 * @param epochs of the owners; undefined if nobody else can have any
 * @param partitions of which; default: all
 * @returns what was removed, relative to the folder of all files
 */
export async function removeOrphans(
  connection: DuckDBConnection,
  { dataPath, topic }: LakeTable,
  epochs: ReadonlyMap<number, number> | undefined,
  partitions?: readonly number[],
): Promise<RemovedFile[]> {
  const folder = changesFolder(dataPath, topic);
  const both = [folder, quarantineFolder(folder)];
  const folders = partitions?.flatMap((partition) => both.map((of) => partitionFolder(of, partition))) ?? [folder];
  const isRemote = isObjectStore(dataPath);
  const files = await filesBelow(connection, dataPath, folders);
  if (files.length === 0) return [];
  // Read after the files were listed: whatever an owner before has committed is in it.
  const registered = await knownFiles(connection, dataPath);
  const orphans = files.filter((path) => {
    const { partition, epoch } = parseLakeFilePath(path) ?? { partition: -1, epoch: 0 };
    // The first owner of a partition may have claimed it since the epochs were read.
    const isOfOwner = epochs !== undefined && epoch >= (epochs.get(partition) ?? 0);
    return partition >= 0 && !registered.has(path) && !isOfOwner;
  });
  // DuckDB itself cannot remove an object.
  if (isRemote) await scheduleRemoval(connection, orphans);
  else for (const path of orphans) rmSync(path, { force: true });
  return orphans.map((path) => {
    return { file: path.slice(dataPath.length + 1), why: 'a commit that was not finished' };
  });
}
