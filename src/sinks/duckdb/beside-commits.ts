/** Transactions beside the commits, as queries are: a commit that needs their memory ends them. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { RunningQueries } from '../../query/running-queries.js';

const INTERRUPT_EVERY_MS = 100;

export class BesideCommits {
  readonly #connection: DuckDBConnection;
  readonly #queries: RunningQueries;
  #isClosed = false;
  #giveUp = () => {};

  /** @param connection of its own */
  constructor(connection: DuckDBConnection, queries: RunningQueries) {
    this.#connection = connection;
    this.#queries = queries;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Gives up what is under way; nothing is begun after it. */
  giveUp(): void {
    this.#isClosed = true;
    this.#giveUp();
  }

  /** Does all of a transaction but the COMMIT, when it is its turn. @param ending is aborted if it was ended */
  async write<T>(ending: AbortController, work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new Error('it is closed');
    let started: Promise<T> | undefined;
    const turn = this.#queries.run(ending, async () => {
      if (this.#isClosed) return;
      started = this.#writeNow(ending.signal, work);
      await started;
    });
    // If it waits for its turn when the queries are closed, that never comes.
    const givenUp = new Promise<void>((resolve) => {
      this.#giveUp = () => {
        ending.abort();
        resolve();
      };
    });
    await Promise.race([turn, givenUp]);
    if (started === undefined) throw new Error('it is closed');
    return await started;
  }

  async #writeNow<T>(ending: AbortSignal, work: () => Promise<T>): Promise<T> {
    const connection = this.#connection;
    let interrupts: NodeJS.Timeout | undefined;
    // Again, as it may come between two statements.
    const interrupt = () => {
      connection.interrupt();
      interrupts = setInterval(() => connection.interrupt(), INTERRUPT_EVERY_MS);
    };
    ending.addEventListener('abort', interrupt, { once: true });
    try {
      await connection.run('BEGIN');
      const result = await work();
      ending.throwIfAborted();
      return result;
    } catch (thrown) {
      clearInterval(interrupts);
      await connection.run('ROLLBACK').catch(() => {});
      throw thrown;
    } finally {
      clearInterval(interrupts);
      ending.removeEventListener('abort', interrupt);
    }
  }
}
