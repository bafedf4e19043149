/**
 * What keeps a lake small and fast, by DuckLake's own functions, beside the commits:
 *
 *   rewrite   files with deleted rows, without them: DuckLake joins no file that has some
 *   merge     small files
 *   state     the tail of the newest state, if that is a table (state.ts)
 *   retire    what is older than RETAIN_*, if any of it leaves (retention.ts)
 *   expire    snapshots that are older than LAKE_KEEP_SNAPSHOTS
 *   clean up  files that no snapshot has any more, and those that DuckLake wrote for a transaction that never ended
 *
 * Each step is a transaction of its own: killed between or in them, nothing is lost, and the files that it wrote are
 * found by the last step of a later run. A commit deletes only rows of files that it adds, which no step has yet, so
 * that neither gets in the way of the other. Of many processes one keeps house at a time (housekeeping-lock.ts).
 */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { sinkError } from '../../core/errors.js';
import {
  type CompactionReceipt,
  NOTHING_COMPACTED,
  NOTHING_RETIRED,
  type Retired,
  type RetiredCounts,
} from '../../core/flow.js';
import { rowsOf } from '../../core/sql.js';
import type { TableSpec } from '../../schema/spec.js';
import type { CompactionOptions } from '../duckdb/compaction.js';
import { BesideCommits } from './beside-commits.js';
import { changeFiles, difference, filesByTable } from './current-files.js';
import { removeDeadInlinedRows } from './dead-inlined-rows.js';
import { HousekeepingLock } from './housekeeping-lock.js';
import { connectLake, LAKE } from './lake.js';
import { setOptions } from './lake-file-options.js';
import { scheduleRemoval, unregisteredFiles } from './registered-files.js';
import type { LakeRetention } from './retention.js';
import { isMergeDue, mergeLakeTail } from './state.js';

export interface HousekeepingOptions {
  /** Of all files, without a slash at the end. */
  readonly dataPath: string;
  readonly spec: TableSpec;
  /** Other processes write to the lake: the catalog is in Postgres. */
  readonly isShared: boolean;
  readonly compaction: CompactionOptions;
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
/** How often `runIfDue` looks, and how often it does what is not due by a number of files. */
const LOOK_EVERY_MS = 30_000;
const EXPIRE_EVERY_MS = 600_000;
/** How often `runIfDue` looks at the tail. */
const LOOK_AT_STATE_EVERY_MS = 5_000;
/** For each millisecond of merging it, so many without: a tenth of a thread. */
const PAUSE_FACTOR = 9;
/** Files are joined with those of about their size, so that a row is copied a few times at most. */
const SIZE_STEPS = [64, 8, 1];
/** Share of deleted rows from which on a file is rewritten whatever its size. */
const MUCH_DELETED = 0.25;

const IS_BUSY =
  'all files stay as they are: another process, "run" or "compact", keeps house in this lake at the moment. ' +
  'Try again when it is done';

/** What is to be looked at. */
interface Due {
  readonly isStateDue: boolean;
  readonly isRetentionDue: boolean;
  readonly areFilesDue: boolean;
  /** All that can be done is done. */
  readonly everything: boolean;
}

/** The housekeeping of one open lake, on connections of its own. */
export class Housekeeping {
  readonly #options: HousekeepingOptions;
  readonly #connection: DuckDBConnection;
  readonly #beside: BesideCommits;
  readonly #lock: HousekeepingLock;
  readonly #retention: LakeRetention | undefined;
  #lookedMs = performance.now();
  #expiredMs = performance.now() - EXPIRE_EVERY_MS;
  /** The first look is at once, for what the last run left. */
  #nextMergeMs = performance.now();
  #running: Promise<unknown> = Promise.resolve();
  /** Files of the quarantine have messages that have left. At first, as far as is known. */
  #isQuarantineDue = true;
  #stopped = false;

  private constructor(
    options: HousekeepingOptions,
    connection: DuckDBConnection,
    lock: HousekeepingLock,
    retention: LakeRetention | undefined,
  ) {
    this.#options = options;
    this.#connection = connection;
    this.#beside = new BesideCommits(connection, options.dataPath);
    this.#lock = lock;
    this.#retention = retention;
  }

  /** @param retention closed with it; default: all stays */
  static async open(
    instance: DuckDBInstance,
    options: HousekeepingOptions,
    retention?: LakeRetention,
  ): Promise<Housekeeping> {
    const lock = await HousekeepingLock.open(instance, options.isShared);
    return new Housekeeping(options, await connectLake(instance), lock, retention);
  }

  /** Does what there is to do, not more often than is worth a look. @throws as `run` */
  async runIfDue(): Promise<CompactionReceipt> {
    const nowMs = performance.now();
    const isStateDue = nowMs >= this.#nextMergeMs;
    const areFilesDue = nowMs - this.#lookedMs >= LOOK_EVERY_MS;
    const isRetentionDue = this.#retention?.isDue === true;
    if (!isStateDue && !areFilesDue && !isRetentionDue) return NOTHING_COMPACTED;
    if (areFilesDue) this.#lookedMs = nowMs;
    // A pass says itself when the next one is; if another process keeps house, there is none.
    if (isRetentionDue) this.#retention?.postpone(LOOK_EVERY_MS);
    return await this.#inTurn(() => this.#run({ isStateDue, areFilesDue, isRetentionDue, everything: false }));
  }

  /**
   * Does nothing if another process is at it, which is said if everything was wanted.
   * @param everything joins whatever is small, however few files that are
   * @throws SluiceError SLUICE_SINK, SLUICE_DATA_DIR; what was done before counts, and nothing is lost
   */
  run(everything = false): Promise<CompactionReceipt> {
    return this.#inTurn(() => this.#run({ isStateDue: true, areFilesDue: true, isRetentionDue: true, everything }));
  }

  #inTurn(work: () => Promise<CompactionReceipt>): Promise<CompactionReceipt> {
    const run = this.#running.then(work);
    this.#running = run.catch(() => {});
    return run;
  }

  /** Rewrites all files that have deleted rows, also where the catalog has these. @returns how many they were */
  async rewriteAll(): Promise<number> {
    let rewritten = 0;
    for (const table of (await filesByTable(this.#connection, this.#options.dataPath)).keys()) {
      rewritten += await this.#rewrite(table, 0);
    }
    return rewritten;
  }

  async #rewrite(table: string, threshold: number): Promise<number> {
    const call = `CALL ducklake_rewrite_data_files('${LAKE}', ${table}, delete_threshold => ${threshold})`;
    let files = 0;
    await this.#beside.write(async () => {
      const rows = await rowsOf(this.#connection, call);
      files = rows.reduce((sum, { files_processed }) => sum + Number(files_processed), 0);
    });
    return files;
  }

  /** Gives up what is under way, which loses nothing. */
  async close(): Promise<void> {
    this.#stopped = true;
    await Promise.all([this.#beside.giveUp(this.#running), this.#retention?.close(this.#running)]);
    this.#connection.closeSync();
    this.#lock.close();
  }

  async #run({ isStateDue, areFilesDue, isRetentionDue, everything }: Due): Promise<CompactionReceipt> {
    if (this.#stopped) return NOTHING_COMPACTED;
    try {
      const mergesState = isStateDue && (await this.#isMergeDue(everything));
      if (!mergesState && !areFilesDue && !isRetentionDue) return NOTHING_COMPACTED;
      if (!(await this.#lock.take())) return everything ? { ...NOTHING_COMPACTED, left: [IS_BUSY] } : NOTHING_COMPACTED;
      const { compaction, spec } = this.#options;
      const ofChanges = this.#retention && spec.table;
      await setOptions(this.#connection, compaction, ofChanges, (call) => this.#beside.call(call));
      const left = mergesState ? await this.#mergeState() : [];
      const retired = isRetentionDue ? await this.#retire(everything, left) : NOTHING_RETIRED;
      if (retired.quarantined > 0) this.#isQuarantineDue = true;
      if (isRetentionDue) await this.#rewriteQuarantine(everything, left);
      const receipt = areFilesDue ? await this.#keepFiles(everything) : NOTHING_COMPACTED;
      return { ...receipt, retired, left };
    } catch (thrown) {
      if (this.#stopped) return NOTHING_COMPACTED;
      throw sinkError(thrown, 'the housekeeping of the lake failed');
    } finally {
      await this.#lock.release();
    }
  }

  async #keepFiles(everything: boolean): Promise<CompactionReceipt> {
    const changed = () => changeFiles(this.#connection, this.#options.dataPath, this.#options.spec);
    const before = await changed();
    const isChanged = await this.#join(everything);
    const receipt = isChanged ? difference(before, await changed()) : NOTHING_COMPACTED;
    if (everything || performance.now() - this.#expiredMs > EXPIRE_EVERY_MS) await this.#cleanUp();
    return receipt;
  }

  async #isMergeDue(everything: boolean): Promise<boolean> {
    this.#nextMergeMs = performance.now() + LOOK_AT_STATE_EVERY_MS;
    return await isMergeDue(this.#connection, this.#options.spec, everything);
  }

  /** @returns why it could not be merged */
  async #mergeState(): Promise<string[]> {
    const startMs = performance.now();
    try {
      await this.#beside.write(() => mergeLakeTail(this.#connection, this.#options.spec));
      return [];
    } catch (thrown) {
      if (this.#stopped) return [];
      return [sinkError(thrown, 'the newest state is not merged, and queries of it get slower').message];
    } finally {
      const endMs = performance.now();
      this.#nextMergeMs = endMs + Math.max(LOOK_AT_STATE_EVERY_MS, (endMs - startMs) * PAUSE_FACTOR);
    }
  }

  /** @param problems gets why not all that is old leaves */
  async #retire(everything: boolean, problems: string[]): Promise<Retired> {
    const retired: RetiredCounts = { ...NOTHING_RETIRED };
    try {
      await this.#retention?.run(everything, retired);
    } catch (thrown) {
      const why = 'what is older than RETAIN_CHANGES or RETAIN_QUARANTINE stays for now';
      if (!this.#stopped) problems.push(sinkError(thrown, why).message);
    }
    return retired;
  }

  /**
   * After a pass, until it succeeds. The catalog has which of the messages in files are deleted: they are not counted
   * as those of changes are.
   * @param problems gets why messages that have left are still in files
   */
  async #rewriteQuarantine(everything: boolean, problems: string[]): Promise<void> {
    if (this.#retention === undefined || !(this.#isQuarantineDue || everything)) return;
    try {
      await this.#rewrite(`'quarantine', schema => 'sluice'`, everything ? 0 : MUCH_DELETED);
      this.#isQuarantineDue = false;
    } catch (thrown) {
      const why = 'quarantined messages that have left stay in files for now';
      if (!this.#stopped) problems.push(sinkError(thrown, why).message);
    }
  }

  /** @returns whether there was something to join or rewrite */
  async #join(everything: boolean): Promise<boolean> {
    const { afterFiles, targetBytes } = this.#options.compaction;
    if (afterFiles === 0 && !everything) return false;
    const isMany = (count: number) => count > (everything ? 1 : afterFiles);
    let isChanged = false;
    for (const [table, files] of await filesByTable(this.#connection, this.#options.dataPath)) {
      const small = files.filter(({ bytes, deleted }) => deleted > 0 && bytes < targetBytes);
      const threshold = small.length > 0 && (everything || isMany(small.length)) ? 0 : MUCH_DELETED;
      if (!files.some(({ deleted, rows }) => deleted > 0 && deleted >= threshold * rows)) continue;
      await this.#rewrite(table, threshold);
      isChanged = true;
    }
    for (const step of SIZE_STEPS) {
      const below = Math.floor(targetBytes / step);
      for (const [table, files] of await filesByTable(this.#connection, this.#options.dataPath)) {
        if (!isMany(files.filter(({ bytes, deleted }) => deleted === 0 && bytes < below).length)) continue;
        const call = `ducklake_merge_adjacent_files('${LAKE}', ${table}, max_file_size => ${below})`;
        await this.#beside.write(() => this.#connection.run(`CALL ${call}`));
        isChanged = true;
      }
    }
    return isChanged;
  }

  async #cleanUp(): Promise<void> {
    const { keepSnapshotsMs, keepFilesMs = KEEP_FILES_MS } = this.#options;
    const ago = (ms: number) => `now() - INTERVAL '${ms} milliseconds'`;
    await this.#beside.call(`ducklake_expire_snapshots('${LAKE}', older_than => ${ago(keepSnapshotsMs)})`);
    await this.#scheduleOrphans();
    await this.#beside.call(`ducklake_cleanup_old_files('${LAKE}', older_than => ${ago(keepFilesMs)})`);
    if (this.#retention !== undefined) {
      await this.#beside.again(() => removeDeadInlinedRows(this.#connection, this.#options.isShared));
    }
    this.#expiredMs = performance.now();
  }

  /** Has DuckLake remove files that it wrote itself and never registered, wherever they are stored. */
  async #scheduleOrphans(): Promise<void> {
    const { dataPath, isShared } = this.#options;
    const { startedMs = isShared ? Date.now() - ORPHAN_AFTER_MS : performance.timeOrigin } = this.#options;
    await scheduleRemoval(this.#connection, await unregisteredFiles(this.#connection, dataPath, startedMs));
  }
}
