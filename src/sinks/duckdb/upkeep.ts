/** What keeps a data directory fast, beside the commits: small files are joined, and the newest state is merged. */
import type { DuckDBInstance } from '@duckdb/node-api';
import { type CompactionReceipt, NOTHING_COMPACTED } from '../../core/flow.js';
import { Compaction, type CompactionTarget, type CompactionWork } from './compaction.js';
import { StateKeeper, type StateKeeperParts } from './state-keeper.js';

export class Upkeep {
  readonly #compaction: Compaction;
  readonly #state: StateKeeper | undefined;
  readonly #afterFiles: number;
  /** Files made since the last compaction looked; unknown until the first look. */
  #newFiles = Number.POSITIVE_INFINITY;

  private constructor(compaction: Compaction, state: StateKeeper | undefined, afterFiles: number) {
    this.#compaction = compaction;
    this.#state = state;
    this.#afterFiles = afterFiles;
  }

  /** @param instance has the tables */
  static async open(instance: DuckDBInstance, target: CompactionTarget, parts: Omit<StateKeeperParts, 'spec'>) {
    const state = await StateKeeper.open(instance, { ...parts, spec: target.spec });
    return new Upkeep(await Compaction.open(instance, target), state, target.compaction.afterFiles);
  }

  /** Notes what a commit added. */
  committed(files: number, rows: number): void {
    this.#newFiles += files;
    this.#state?.committed(rows);
  }

  /** @param work default: joins if there are too many new files. All else is done now, and all of the state merged */
  async run(work?: CompactionWork): Promise<CompactionReceipt> {
    if (work !== undefined) await this.#state?.mergeAll();
    const receipt = await this.#join(work);
    const problem = this.#state?.takeProblem();
    return problem === undefined ? receipt : { ...receipt, left: [...receipt.left, problem] };
  }

  async #join(work: CompactionWork | undefined): Promise<CompactionReceipt> {
    const isDue = work !== undefined || (this.#afterFiles > 0 && this.#newFiles > this.#afterFiles);
    if (!isDue) return NOTHING_COMPACTED;
    this.#newFiles = 0;
    return await this.#compaction.run(work);
  }

  /** Gives up what is under way, which loses nothing. */
  async close(): Promise<void> {
    await Promise.all([this.#compaction.close(), this.#state?.close()]);
  }
}
