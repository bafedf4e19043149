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
 * that neither gets in the way of the other; what does is done in the turn of the commits (joining.ts, clean-up.ts). Of
 * many processes one keeps house at a time (housekeeping-lock.ts).
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
import type { TableSpec } from '../../schema/spec.js';
import type { CompactionOptions } from '../duckdb/compaction.js';
import { BesideCommits } from './beside-commits.js';
import { type CleanUpOptions, expireSnapshots, removeUnneededFiles } from './clean-up.js';
import { changeFiles, difference } from './current-files.js';
import { removeDeadInlinedRows } from './dead-inlined-rows.js';
import { DeleteFiles } from './delete-files.js';
import { HousekeepingLock } from './housekeeping-lock.js';
import { Joining, MUCH_DELETED, QUARANTINE } from './joining.js';
import { connectLake } from './lake.js';
import { LakeFileOptions } from './lake-file-options.js';
import { type CommitsAside, NumberedChanges } from './numbered-changes.js';
import type { LakeRetention } from './retention.js';
import { STATE_TABLE } from './state.js';
import { StateMerges } from './state-merges.js';
import { doneAgain, Transactions } from './transactions.js';

export interface HousekeepingOptions extends CleanUpOptions {
  readonly topic: string;
  readonly spec: TableSpec;
  readonly compaction: CompactionOptions;
}

/** How often `runIfDue` looks, and how often it does what is not due by a number of files. */
const LOOK_EVERY_MS = 30_000;
const EXPIRE_EVERY_MS = 600_000;

/** How often files that take long to be made anew may be overtaken. */
const MAX_CONFLICTS = 1;
/** For so long it is not said that snapshots stay because others commit all the time. */
const SNAPSHOTS_MAY_STAY_MS = 3_600_000;

const IS_BUSY =
  'all files stay as they are: another process, "run" or "compact", keeps house in this lake at the moment. ' +
  'Try again when it is done';

const SNAPSHOTS_STAY =
  'all snapshots stay as they are, and files that only they have: other processes commit all the time. Try ' +
  '"sluice compact" again when they have less to do';

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
  readonly #aside: CommitsAside;
  readonly #deleteFiles: DeleteFiles;
  readonly #fileOptions: LakeFileOptions;
  readonly #state: StateMerges;
  readonly #joining: Joining;
  readonly #closing = new AbortController();
  readonly #retention: LakeRetention | undefined;
  #lookedMs = performance.now();
  #cleanedUpMs = performance.now() - EXPIRE_EVERY_MS;
  #expiredMs = performance.now();
  #running: Promise<unknown> = Promise.resolve();
  /** Files of the quarantine have messages that have left. At first, as far as is known. */
  #isQuarantineDue = true;
  #stopped = false;

  private constructor(
    options: HousekeepingOptions,
    connection: DuckDBConnection,
    lock: HousekeepingLock,
    deleteFiles: DeleteFiles,
    aside: CommitsAside,
    retention: LakeRetention | undefined,
  ) {
    this.#options = options;
    this.#connection = connection;
    this.#aside = aside;
    this.#deleteFiles = deleteFiles;
    const { signal } = this.#closing;
    const ownership = doneAgain(aside.ownership);
    const transactions = new Transactions(connection, ownership, deleteFiles, options.topic, signal, 0);
    const numbered = new NumberedChanges(transactions, aside.inTurn, signal, MAX_CONFLICTS);
    this.#beside = new BesideCommits(connection, options.dataPath);
    this.#fileOptions = new LakeFileOptions(connection, (call) => this.#beside.call(call));
    this.#state = new StateMerges(options, connection, this.#beside, signal);
    this.#joining = new Joining(options, connection, this.#beside, numbered);
    this.#lock = lock;
    this.#retention = retention;
  }

  /** @param retention closed with it; default: all stays */
  static async open(
    instance: DuckDBInstance,
    options: HousekeepingOptions,
    aside: CommitsAside,
    retention?: LakeRetention,
  ): Promise<Housekeeping> {
    const lock = await HousekeepingLock.open(instance, options.isShared);
    const deleteFiles = new DeleteFiles(await instance.connect(), options.dataPath, options.spec);
    return new Housekeeping(options, await connectLake(instance), lock, deleteFiles, aside, retention);
  }

  /** Does what there is to do, not more often than is worth a look. @throws as `run` */
  async runIfDue(): Promise<CompactionReceipt> {
    const nowMs = performance.now();
    const isStateDue = this.#state.isLookDue;
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
    await this.#setOptions();
    return await this.#joining.rewriteAll();
  }

  /** Gives up what is under way, which loses nothing. */
  async close(): Promise<void> {
    this.#stopped = true;
    this.#closing.abort();
    await Promise.all([this.#beside.giveUp(this.#running), this.#retention?.close(this.#running)]);
    this.#connection.closeSync();
    for (const part of [this.#deleteFiles, this.#lock]) part.close();
  }

  async #run({ isStateDue, areFilesDue, isRetentionDue, everything }: Due): Promise<CompactionReceipt> {
    if (this.#stopped) return NOTHING_COMPACTED;
    try {
      const mergesState = isStateDue && (await this.#state.isDue(everything));
      if (!mergesState && !areFilesDue && !isRetentionDue) return NOTHING_COMPACTED;
      if (!(await this.#lock.take())) return everything ? { ...NOTHING_COMPACTED, left: [IS_BUSY] } : NOTHING_COMPACTED;
      await this.#setOptions();
      const left = mergesState ? await this.#state.run(everything) : [];
      const retired = isRetentionDue ? await this.#retire(everything, left) : NOTHING_RETIRED;
      if (retired.quarantined > 0) this.#isQuarantineDue = true;
      if (isRetentionDue) await this.#rewriteQuarantine(everything, left);
      if (!areFilesDue) return { ...NOTHING_COMPACTED, retired, left };
      const receipt = await this.#keepFiles(everything, left).catch((thrown) => {
        if (this.#stopped || retired.changes + retired.quarantined === 0) throw thrown;
        // What has left is told whatever comes after it.
        left.push(sinkError(thrown, 'files and snapshots stay as they are for now').message);
        return NOTHING_COMPACTED;
      });
      return { ...receipt, retired, left };
    } catch (thrown) {
      if (this.#stopped) return NOTHING_COMPACTED;
      throw sinkError(thrown, 'the housekeeping of the lake failed');
    } finally {
      await this.#lock.release();
    }
  }

  /** @param problems gets why not all is done */
  async #keepFiles(everything: boolean, problems: string[]): Promise<CompactionReceipt> {
    const changed = () => changeFiles(this.#connection, this.#options.dataPath, this.#options.spec);
    const before = await changed();
    const joined = await this.#joining.join(everything).then(
      (isChanged) => ({ isChanged }),
      (failure: unknown) => ({ failure }),
    );
    // Also if that failed, for want of disk, say.
    const isDue = everything || performance.now() - this.#cleanedUpMs > EXPIRE_EVERY_MS;
    if (isDue && !this.#stopped) problems.push(...(await this.#cleanUp(everything)));
    if ('failure' in joined) throw joined.failure;
    return joined.isChanged ? difference(before, await changed()) : NOTHING_COMPACTED;
  }

  async #setOptions(): Promise<void> {
    const { compaction, spec } = this.#options;
    await this.#fileOptions.writeLikeWorkers(compaction);
    // DuckLake drops a file all of whose rows are deleted, and sees a join against deletions, unless these are in the
    // catalog.
    if (this.#retention !== undefined) await this.#fileOptions.keepInFiles({ schema: 'main', table: spec.table });
    await this.#fileOptions.keepInFiles(STATE_TABLE);
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
      await this.#joining.rewrite(QUARANTINE, everything ? 0 : MUCH_DELETED);
      this.#isQuarantineDue = false;
    } catch (thrown) {
      const why = 'quarantined messages that have left stay in files for now';
      if (!this.#stopped) problems.push(sinkError(thrown, why).message);
    }
  }

  /** @returns why snapshots stay that are old, if all of them were to go, or have not for long */
  async #cleanUp(everything: boolean): Promise<string[]> {
    const [connection, beside, options] = [this.#connection, this.#beside, this.#options];
    const isExpired = await expireSnapshots(beside, options, this.#aside);
    await removeUnneededFiles(connection, beside, options);
    await beside.again(() => removeDeadInlinedRows(connection, options.isShared));
    this.#cleanedUpMs = performance.now();
    if (isExpired) this.#expiredMs = this.#cleanedUpMs;
    const isLong = this.#cleanedUpMs - this.#expiredMs > SNAPSHOTS_MAY_STAY_MS;
    return isExpired || !(everything || isLong) ? [] : [SNAPSHOTS_STAY];
  }
}
