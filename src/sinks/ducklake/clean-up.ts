/** What is of no use to a lake any more: old snapshots, and the files that none needs. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { BesideCommits } from './beside-commits.js';
import { LAKE } from './lake.js';
import type { CommitsAside } from './numbered-changes.js';
import { keepRegistered, scheduleRemoval, unregisteredFiles } from './registered-files.js';

export interface CleanUpOptions {
  /** Of all files, without a slash at the end. */
  readonly dataPath: string;
  /** Other processes write to the lake: the catalog is in Postgres. */
  readonly isShared: boolean;
  readonly keepSnapshotsMs: number;
  /** For how long a file stays that is in no snapshot: readers may still need it. */
  readonly keepFilesMs?: number;
  /** Files of an earlier time, in milliseconds since the epoch, are of no transaction that goes on. Default: a day ago,
   * of a lake that is not shared the start of this process. */
  readonly startedMs?: number;
}

/** A query has this long to read the snapshot that it began with. */
const KEEP_FILES_MS = 3_600_000;
/** In a shared lake. A transaction that stood still for longer may fail: its delete file is gone. */
const ORPHAN_AFTER_MS = 86_400_000;

const ago = (ms: number) => `now() - INTERVAL '${ms} milliseconds'`;

/**
 * Expires snapshots while nobody commits: the next one has the number after the newest that its transaction knows of,
 * and that one must not become free again meanwhile, for DuckLake would not notice what was committed under it.
 * @returns whether that could be done
 */
export async function expireSnapshots(
  beside: BesideCommits,
  { keepSnapshotsMs }: CleanUpOptions,
  { ownership, inTurn }: CommitsAside,
): Promise<boolean> {
  const expire = () => beside.call(`ducklake_expire_snapshots('${LAKE}', older_than => ${ago(keepSnapshotsMs)})`);
  return await inTurn(() => ownership.whileNoneCommits(expire));
}

/** Removes files that no snapshot needs, and those that DuckLake made and never registered, wherever they are. */
export async function removeUnneededFiles(
  connection: DuckDBConnection,
  beside: BesideCommits,
  options: CleanUpOptions,
): Promise<void> {
  const { dataPath, isShared, keepFilesMs = KEEP_FILES_MS } = options;
  const { startedMs = isShared ? Date.now() - ORPHAN_AFTER_MS : performance.timeOrigin } = options;
  await scheduleRemoval(connection, await unregisteredFiles(connection, dataPath, startedMs));
  await keepRegistered(connection, dataPath);
  await beside.call(`ducklake_cleanup_old_files('${LAKE}', older_than => ${ago(keepFilesMs)})`);
}
