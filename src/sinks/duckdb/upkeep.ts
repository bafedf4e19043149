/**
 * What keeps a data directory fast and small, beside the commits: small files are joined, the newest state is merged,
 * and what is old leaves.
 */
import type { DuckDBInstance } from '@duckdb/node-api';
import {
  type CompactionReceipt,
  NOTHING_COMPACTED,
  NOTHING_RETIRED,
  type Retired,
  type RetiredCounts,
} from '../../core/flow.js';
import { Turns } from '../../core/turns.js';
import { Compaction, type CompactionTarget, type CompactionWork } from './compaction.js';
import { Retention, type RetentionTarget } from './retention.js';
import { StateKeeper, type StateKeeperParts } from './state-keeper.js';

export class Upkeep {
  readonly #compaction: Compaction;
  readonly #state: StateKeeper | undefined;
  readonly #retention: Retention | undefined;
  readonly #afterFiles: number;
  readonly #turns = new Turns();
  #isClosed = false;
  /** Files made since the last compaction looked; unknown until the first look. */
  #newFiles = Number.POSITIVE_INFINITY;

  private constructor(
    compaction: Compaction,
    state: StateKeeper | undefined,
    retention: Retention | undefined,
    afterFiles: number,
  ) {
    this.#compaction = compaction;
    this.#state = state;
    this.#retention = retention;
    this.#afterFiles = afterFiles;
  }

  /** @param instance has the tables */
  static async open(
    instance: DuckDBInstance,
    target: CompactionTarget & RetentionTarget,
    parts: Omit<StateKeeperParts, 'spec'>,
  ) {
    const state = await StateKeeper.open(instance, { ...parts, spec: target.spec });
    const onRowsLeft = async () => state?.rowsLeft();
    const retention = await Retention.open(instance, target, { ...parts, onRowsLeft });
    return new Upkeep(await Compaction.open(instance, target), state, retention, target.compaction.afterFiles);
  }

  /** Notes what a commit added. */
  committed(files: number, rows: number): void {
    this.#newFiles += files;
    this.#state?.committed(rows);
  }

  /** @param work default: joins if there are too many new files. All else is done now, and all of the state merged */
  run(work?: CompactionWork): Promise<CompactionReceipt> {
    return this.inTurn(() => this.#run(work));
  }

  /** Does what changes rows of the ledger, or files that it names: one at a time. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.take(work);
  }

  /** Has all of it that has not begun, and all that comes, fail with this error. */
  breakOff(error: Error): void {
    this.#turns.breakOff(error);
  }

  async #run(work: CompactionWork | undefined): Promise<CompactionReceipt> {
    if (work !== undefined) await this.#state?.mergeAll();
    const problems: string[] = [];
    const retired = await this.#retire(work, problems);
    const receipt = await this.#join(work);
    const problem = this.#state?.takeProblem();
    if (problem !== undefined) problems.push(problem);
    return { ...receipt, left: [...receipt.left, ...problems], retired };
  }

  async #retire(work: CompactionWork | undefined, problems: string[]): Promise<Retired> {
    const retired: RetiredCounts = { ...NOTHING_RETIRED };
    try {
      await this.#retention?.run(work !== undefined, retired);
    } catch (thrown) {
      if (!this.#isClosed) problems.push((thrown as Error).message);
    }
    return retired;
  }

  async #join(work: CompactionWork | undefined): Promise<CompactionReceipt> {
    const isDue = work !== undefined || (this.#afterFiles > 0 && this.#newFiles > this.#afterFiles);
    if (!isDue) return NOTHING_COMPACTED;
    this.#newFiles = 0;
    return await this.#compaction.run(work);
  }

  /** Gives up what is under way, which loses nothing. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#compaction.close(), this.#state?.close(), this.#retention?.close()]);
  }
}
