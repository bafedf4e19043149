/** The queries that run beside the commits of one process, and how commits get rid of them. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { SluiceError } from '../core/errors.js';
import type { ReplayTarget } from '../core/replay.js';

/** DuckDB's calls share four threads with Kafka's client and the commits: queries must leave some of them free. */
const MAX_RUNNING = 2;

/** Runs a query to its end; ends early if the signal of its `ending` is aborted. */
type Task = () => Promise<void>;

/** What queries are run on; a replay too, if it takes any. */
export interface QueriedDatabase extends Partial<ReplayTarget> {
  /** A connection of its own for each query. */
  connect(): Promise<DuckDBConnection>;
}

/** At most MAX_RUNNING queries at a time, the others in the order in which they came. */
export class RunningQueries {
  readonly #running = new Map<AbortController, Promise<void>>();
  readonly #waiting: { readonly ending: AbortController; readonly task: Task }[] = [];
  /** How many need to be alone now: no query starts. */
  #held = 0;

  /** Whether there is any. */
  get any(): boolean {
    return this.#running.size > 0;
  }

  /**
   * Runs a query when it is its turn.
   * @param ending aborted to end the query; its reason is the error that the query's client gets
   */
  run(ending: AbortController, task: Task): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ending, task: () => task().then(resolve, reject) });
      this.#startWaiting();
    });
  }

  /** Ends all queries, and does `work` when they have ended; the ones that wait start after it. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    this.#held++;
    try {
      await this.#end(
        'the query was ended, as commits need the memory that the queries held: ' +
          'ask for less at once, or raise DUCKDB_MEMORY_LIMIT',
      );
      return await work();
    } finally {
      this.#held--;
      this.#startWaiting();
    }
  }

  /** Resolves when the last query has ended: only then may its database be closed. None starts after it. */
  async close(): Promise<void> {
    this.#held++;
    this.#waiting.length = 0;
    await this.#end('the running process is ending');
  }

  async #end(why: string): Promise<void> {
    const reason = new SluiceError('SLUICE_QUERY', why);
    for (const ending of this.#running.keys()) ending.abort(reason);
    await Promise.all(this.#running.values());
  }

  #startWaiting(): void {
    while (this.#held === 0 && this.#running.size < MAX_RUNNING) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const run = next.task().finally(() => {
        this.#running.delete(next.ending);
        this.#startWaiting();
      });
      this.#running.set(next.ending, run);
    }
  }
}
