/**
 * Keeps the state up beside the commits: merges what was committed in small transactions, so that the tail is short.
 *
 * It is due when commits pause, and now and then while they do not. Then it takes a tenth of a thread. While a backlog
 * is read it waits for a tail that is much longer than the state, since all of that is merged for little more. As long
 * as the tail is much of the change log, the view is that of the whole log: both views have the same rows.
 */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { isOutOfMemory, sinkError } from '../../core/errors.js';
import { identifier, rowsOf } from '../../core/sql.js';
import type { RunningQueries } from '../../query/running-queries.js';
import type { TableSpec } from '../../schema/spec.js';
import { BesideCommits } from './beside-commits.js';
import type { CommitMemory } from './commit-memory.js';
import { isLong, longTail, MergePace, MergeSize } from './merge-pace.js';
import { DUCKDB_STATE, tailRows } from './merged-row.js';
import { newestOfLog } from './newest.js';
import { HAS_STATE, stateView } from './state.js';
import { mergeTail, rewriteIfSparse, stateRows } from './state-merge.js';

const LOOK_EVERY_MS = 100;

/** Numbers of rows. */
interface Rows {
  readonly tail: number;
  readonly state: number;
  readonly log: number;
}

/** SQL. */
interface Views {
  readonly state: string;
  readonly log: string;
}

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
  #stateRows: number;
  /** Of the change log, without those that have left it since the start. */
  #logRows: number;
  readonly #views: Views;
  #hasLogView = false;
  readonly #pace = new MergePace(performance.now());
  readonly #size = new MergeSize();
  #merging: Promise<unknown> | undefined;
  #problem: string | undefined;

  private constructor(connection: DuckDBConnection, parts: StateKeeperParts, rows: Rows, views: Views) {
    this.#connection = connection;
    this.#beside = new BesideCommits(connection, parts.queries);
    this.#parts = parts;
    this.#tailRows = rows.tail;
    this.#stateRows = rows.state;
    this.#logRows = rows.log;
    this.#views = views;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  /** @returns undefined if the state is no table */
  static async open(instance: DuckDBInstance, parts: StateKeeperParts): Promise<StateKeeper | undefined> {
    const connection = await instance.connect();
    const [{ has_state }] = await rowsOf(connection, HAS_STATE);
    if (has_state === true) {
      const { spec } = parts;
      const [{ log }] = await rowsOf(connection, `SELECT count(*)::DOUBLE AS log FROM ${identifier(spec.table)}`);
      const [tail, state] = [await tailRows(connection, spec), await stateRows(connection)];
      const views = { state: await stateView(connection, spec, DUCKDB_STATE), log: newestOfLog(spec) };
      return new StateKeeper(connection, parts, { tail, state, log: Number(log) }, views);
    }
    connection.closeSync();
    return undefined;
  }

  /** Notes that so many rows are new in the change log. */
  committed(rows: number): void {
    this.#pace.committed(performance.now(), rows, this.#tailRows);
    this.#tailRows += rows;
    this.#notedRows += rows;
    this.#logRows += rows;
  }

  /** Merges all of the tail. @throws SluiceError SLUICE_SINK; what was merged before stays so */
  async mergeAll(): Promise<void> {
    clearInterval(this.#timer);
    await this.#merging;
    while (await this.#merge());
    await this.#showView();
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
    if (this.#merging !== undefined) return;
    const hasFailed = this.#problem !== undefined;
    const rows = { tail: this.#tailRows, state: this.#stateRows };
    if (!hasFailed && this.#shouldHaveLogView !== this.#hasLogView) this.#start(() => this.#showView());
    else if (this.#pace.isDue(performance.now(), rows, hasFailed)) this.#start();
  }

  #start(work = () => this.#mergeOnce()): void {
    this.#merging = work().finally(() => {
      this.#merging = undefined;
    });
  }

  get #shouldHaveLogView(): boolean {
    return isLong(this.#tailRows, this.#logRows);
  }

  async #showView(): Promise<void> {
    const isLog = this.#shouldHaveLogView;
    const sql = isLog ? this.#views.log : this.#views.state;
    const replace = () =>
      this.#connection.run(`CREATE OR REPLACE VIEW ${identifier(this.#parts.spec.view)} AS\n${sql}`);
    try {
      if (isLog !== this.#hasLogView) await this.#parts.memory.commit(replace);
      this.#hasLogView = isLog;
    } catch (thrown) {
      this.#problem = (thrown as Error).message;
    }
  }

  async #mergeOnce(): Promise<void> {
    const startMs = performance.now();
    await this.#merge().catch((thrown) => {
      if (!this.#beside.isClosed) this.#problem = (thrown as Error).message;
    });
    this.#pace.merged(startMs, performance.now());
  }

  /** @returns whether more may be left */
  async #merge(): Promise<boolean> {
    const isMore = await this.#mergeRows();
    await this.#rewrite();
    return isMore;
  }

  /** One transaction. @returns whether more may be left */
  async #mergeRows(): Promise<boolean> {
    const [connection, { memory, spec }, size] = [this.#connection, this.#parts, this.#size];
    const ending = new AbortController();
    const notedRows = this.#notedRows;
    try {
      const maxRows = Math.min(size.rows, longTail(this.#stateRows));
      const merged = await this.#beside.write(ending, () => mergeTail(connection, spec, maxRows));
      if (size.canShrink && (await memory.hasWrittenTooMuch())) {
        await connection.run('ROLLBACK');
        size.shrink();
        return true;
      }
      await memory.commit(() => connection.run('COMMIT'));
      const { rows, isAll } = merged;
      this.#tailRows = isAll ? this.#notedRows - notedRows : Math.max(1, this.#tailRows - rows);
      this.#stateRows = merged.stateRows;
      await memory.storeLongStrings(connection);
      if (rows === size.rows) size.wasFilled();
      return !isAll;
    } catch (thrown) {
      await connection.run('ROLLBACK').catch(() => {});
      const isForMemory = isOutOfMemory(thrown) || ending.signal.aborted;
      if (isForMemory && size.canShrink && !this.#beside.isClosed) {
        size.shrink();
        return true;
      }
      throw sinkError(thrown, 'the newest state is not merged, and queries of it get slower');
    }
  }

  async #rewrite(): Promise<void> {
    const [connection, { memory, spec }] = [this.#connection, this.#parts];
    try {
      const isRewritten = await this.#beside.write(new AbortController(), () => rewriteIfSparse(connection, spec));
      await (isRewritten ? memory.commit(() => connection.run('COMMIT')) : connection.run('ROLLBACK'));
    } catch (thrown) {
      await connection.run('ROLLBACK').catch(() => {});
      throw sinkError(thrown, 'the newest state is merged, but keeps the space of rows that were replaced for now');
    }
  }
}
