/**
 * Keeps the state up beside the commits: merges what was committed in small transactions, so that the tail is short.
 *
 * It is due when commits pause, and now and then while they do not. Then it takes a tenth of a thread, or half of one
 * if the tail is very long: a backlog is read at nearly full speed, and merged in the end.
 */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { isOutOfMemory, sinkError } from '../../core/errors.js';
import { rowsOf } from '../../core/sql.js';
import type { RunningQueries } from '../../query/running-queries.js';
import type { TableSpec } from '../../schema/spec.js';
import { BesideCommits } from './beside-commits.js';
import type { CommitMemory } from './commit-memory.js';
import { tailRows } from './merged-row.js';
import { HAS_STATE } from './state.js';
import { mergeTail, rewriteIfSparse } from './state-merge.js';

const LOOK_EVERY_MS = 100;
/** Commits pause if there was none for so long. */
const IDLE_MS = 300;
/** While they do not, rows wait for so long, unless they are so many. */
const WAIT_MS = 2000;
const MANY_ROWS = 200_000;
/** For each millisecond of merging, so many without, and of a tail of so many rows. */
const PAUSE_FACTOR = 9;
const PAUSE_FACTOR_LONG = 1;
const LONG_TAIL_ROWS = 20_000_000;
/** Of a transaction: at most, and if there is not enough memory for more. */
const MAX_ROWS = 1_000_000;
const MIN_ROWS = 10_000;

export interface StateKeeperParts {
  readonly spec: TableSpec;
  readonly queries: RunningQueries;
  readonly memory: CommitMemory;
}

export class StateKeeper {
  readonly #connection: DuckDBConnection;
  readonly #beside: BesideCommits;
  readonly #parts: StateKeeperParts;
  readonly #timer: NodeJS.Timeout;
  /** Of the tail; too few after row ids have changed, too many if the commit of merged rows is noted late. */
  #tailRows: number;
  /** Of all commits that were noted. */
  #notedRows = 0;
  #waitingSinceMs = performance.now();
  #committedMs = performance.now();
  #pauseUntilMs = 0;
  #maxRows = MAX_ROWS;
  #merging: Promise<unknown> | undefined;
  #problem: string | undefined;

  private constructor(connection: DuckDBConnection, parts: StateKeeperParts, tailRows: number) {
    this.#connection = connection;
    this.#beside = new BesideCommits(connection, parts.queries);
    this.#parts = parts;
    this.#tailRows = tailRows;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  /** @returns undefined if the state is no table */
  static async open(instance: DuckDBInstance, parts: StateKeeperParts): Promise<StateKeeper | undefined> {
    const connection = await instance.connect();
    const [{ has_state }] = await rowsOf(connection, HAS_STATE);
    if (has_state === true) return new StateKeeper(connection, parts, await tailRows(connection, parts.spec));
    connection.closeSync();
    return undefined;
  }

  /** Notes that so many rows are new in the change log. */
  committed(rows: number): void {
    this.#committedMs = performance.now();
    if (this.#tailRows === 0) this.#waitingSinceMs = this.#committedMs;
    this.#tailRows += rows;
    this.#notedRows += rows;
  }

  /** Merges all of the tail. @throws SluiceError SLUICE_SINK; what was merged before stays so */
  async mergeAll(): Promise<void> {
    clearInterval(this.#timer);
    await this.#merging;
    while (await this.#merge());
  }

  /** Why the tail could not be merged since the last call; undefined if it could. */
  takeProblem(): string | undefined {
    const problem = this.#problem;
    this.#problem = undefined;
    return problem;
  }

  /** Gives up what is under way, which loses nothing. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#beside.giveUp();
    await this.#merging;
    this.#connection.closeSync();
  }

  /** Merges now: after rows have left the change log, the last one in the state is to be found again. */
  async rowsLeft(): Promise<void> {
    await this.#merging;
    this.#start();
    await this.#merging;
  }

  #look(): void {
    if (this.#merging === undefined && this.#isDue()) this.#start();
  }

  #start(): void {
    this.#merging = this.#mergeOnce().finally(() => {
      this.#merging = undefined;
    });
  }

  #isDue(): boolean {
    if (this.#tailRows === 0) return false;
    const nowMs = performance.now();
    if (nowMs - this.#committedMs >= IDLE_MS) return this.#problem === undefined || nowMs >= this.#pauseUntilMs;
    const isMuch = this.#tailRows >= MANY_ROWS || nowMs - this.#waitingSinceMs >= WAIT_MS;
    return isMuch && nowMs >= this.#pauseUntilMs;
  }

  async #mergeOnce(): Promise<void> {
    const startMs = performance.now();
    await this.#merge().catch((thrown) => {
      if (!this.#beside.isClosed) this.#problem = (thrown as Error).message;
    });
    const endMs = performance.now();
    const factor = this.#tailRows > LONG_TAIL_ROWS ? PAUSE_FACTOR_LONG : PAUSE_FACTOR;
    this.#pauseUntilMs = endMs + (endMs - startMs) * factor;
    this.#waitingSinceMs = endMs;
  }

  /** One transaction. @returns whether more may be left */
  async #merge(): Promise<boolean> {
    const [connection, { memory, spec }, maxRows] = [this.#connection, this.#parts, this.#maxRows];
    const ending = new AbortController();
    const notedRows = this.#notedRows;
    try {
      const rows = await this.#beside.write(ending, () => mergeTail(connection, spec, maxRows));
      if (maxRows > MIN_ROWS && (await memory.hasWrittenTooMuch())) {
        await connection.run('ROLLBACK');
        return this.#shrink();
      }
      await memory.commit(() => connection.run('COMMIT'));
      const isAllMerged = rows < maxRows;
      this.#tailRows = isAllMerged ? this.#notedRows - notedRows : Math.max(1, this.#tailRows - rows);
      await memory.storeLongStrings(connection);
      if (rows > 0) await this.#rewrite(ending);
      return !isAllMerged;
    } catch (thrown) {
      await connection.run('ROLLBACK').catch(() => {});
      const isForMemory = isOutOfMemory(thrown) || ending.signal.aborted;
      if (isForMemory && maxRows > MIN_ROWS && !this.#beside.isClosed) return this.#shrink();
      throw sinkError(thrown, 'the newest state is not merged, and queries of it get slower');
    }
  }

  #shrink(): true {
    this.#maxRows = Math.max(MIN_ROWS, Math.floor(this.#maxRows / 2));
    return true;
  }

  async #rewrite(ending: AbortController): Promise<void> {
    const [connection, { memory, spec }] = [this.#connection, this.#parts];
    const isRewritten = await this.#beside.write(ending, () => rewriteIfSparse(connection, spec));
    await (isRewritten ? memory.commit(() => connection.run('COMMIT')) : connection.run('ROLLBACK'));
  }
}
