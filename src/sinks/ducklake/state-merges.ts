/** When the newest state of an open lake is merged, and what becomes of a merge that fails. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { sinkError } from '../../core/errors.js';
import type { BesideCommits } from './beside-commits.js';
import {
  isMergeDue,
  isSpecOf,
  lostStateFiles,
  mergeLakeTail,
  remakeLakeState,
  type StateTarget,
  stateTables,
} from './state.js';
import { removeTableFile } from './table-file.js';
import { isDoubtful } from './transactions.js';

/** How often the tail is looked at. */
const LOOK_EVERY_MS = 5_000;
/** For each millisecond of merging, so many without: a tenth of a thread. */
const PAUSE_FACTOR = 9;

export class StateMerges {
  readonly #target: StateTarget;
  readonly #connection: DuckDBConnection;
  readonly #beside: BesideCommits;
  readonly #closing: AbortSignal;
  /** The first look is at once, for what the last run left. */
  #nextMs = performance.now();
  /** Its files were there, and nothing has failed since. */
  #isWhole = false;

  /**
   * @param beside of the same connection
   * @param closing from then on a failure is not told
   */
  constructor(target: StateTarget, connection: DuckDBConnection, beside: BesideCommits, closing: AbortSignal) {
    this.#target = target;
    this.#connection = connection;
    this.#beside = beside;
    this.#closing = closing;
  }

  get isLookDue(): boolean {
    return performance.now() >= this.#nextMs;
  }

  /** A look. @param everything however short the tail is @returns whether `run` has something to do */
  async isDue(everything: boolean): Promise<boolean> {
    this.#nextMs = performance.now() + LOOK_EVERY_MS;
    if (everything || !this.#isWhole) return (await stateTables(this.#connection)).length > 0;
    try {
      return await isMergeDue(this.#connection, this.#target.spec, false);
    } catch (thrown) {
      this.#isWhole = false;
      throw thrown;
    }
  }

  /** @returns what was wrong with the state, and why it could not be merged */
  async run(everything: boolean): Promise<string[]> {
    const startMs = performance.now();
    const problems: string[] = [];
    try {
      if (everything || !this.#isWhole) await this.#remakeIfLost(problems);
      this.#isWhole = true;
      if (await isMergeDue(this.#connection, this.#target.spec, everything)) {
        await this.#beside.again(() => this.#merge());
      }
    } catch (thrown) {
      this.#isWhole = false;
      const why = 'the newest state is not merged, and queries of it get slower';
      if (!this.#closing.aborted) problems.push(sinkError(thrown, why).message);
    }
    const endMs = performance.now();
    this.#nextMs = endMs + Math.max(LOOK_EVERY_MS, (endMs - startMs) * PAUSE_FACTOR);
    return problems;
  }

  /** A state that cannot be read stays so: no merge can read it either. */
  async #remakeIfLost(problems: string[]): Promise<void> {
    const [connection, { spec, dataPath }] = [this.#connection, this.#target];
    if (!(await isSpecOf(connection, spec))) return;
    const [path] = await lostStateFiles(connection, dataPath);
    if (path === undefined) return;
    await this.#beside.write(() => remakeLakeState(connection, spec));
    problems.push(
      `the newest state could not be read, as its file ${path} is gone: it was emptied, and is merged anew. An ` +
        'earlier version lost the file if the connection to the catalog broke while a merge was committed',
    );
  }

  /** A transaction. */
  async #merge(): Promise<void> {
    const connection = this.#connection;
    const written: string[] = [];
    let isWritten = false;
    await connection.run('BEGIN');
    try {
      await mergeLakeTail(connection, this.#target, written);
      isWritten = true;
      await connection.run('COMMIT');
    } catch (thrown) {
      await connection.run('ROLLBACK').catch(() => {});
      // What may be committed stays; housekeeping removes what no one needs in the end.
      const unneeded = isWritten && isDoubtful(thrown) ? [] : written;
      for (const path of unneeded) await removeTableFile(connection, path).catch(() => {});
      throw thrown;
    }
  }
}
