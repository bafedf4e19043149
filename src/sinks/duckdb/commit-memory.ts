/**
 * Memory for commits: they share DuckDB's limit, which is for all connections, with the queries of the process.
 *
 * What queries hold in blocks, DuckDB writes to disk if a commit needs room; what they allocate (a list, a hash table's
 * head) stays. Queries that allocate too much are ended, now and then too late: hence what `write` and `commit` do.
 */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { isOutOfMemory } from '../../core/errors.js';
import { rowsOf } from '../../core/sql.js';
import type { RunningQueries } from '../../query/running-queries.js';

const LOOK_EVERY_MS = 20;
/** Of the limit: what queries, and commits beside them, may allocate. */
const ALLOCATED_SHARE = 0.5;
/** Of the limit: what the COMMIT statement has besides. */
const RESERVE_SHARE = 0.5;

export class CommitMemory {
  /** Not that of the commits: a transaction in which a SET failed is aborted, and its COMMIT a silent ROLLBACK. */
  readonly #settings: DuckDBConnection;
  readonly #queries: RunningQueries;
  /** Bytes. */
  readonly #limit: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  private constructor(settings: DuckDBConnection, queries: RunningQueries, limit: number | undefined) {
    this.#settings = settings;
    this.#queries = queries;
    this.#limit = limit;
    if (limit !== undefined) this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS).unref();
  }

  /** @param limit that of the instance in bytes, undefined if it is DuckDB's own */
  static async open(instance: DuckDBInstance, queries: RunningQueries, limit: number | undefined) {
    return new CommitMemory(await instance.connect(), queries, limit);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    this.#settings.closeSync();
  }

  /** Does the work of a transaction that is not committed yet: again without queries if memory runs out. */
  async write<T>(connection: DuckDBConnection, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      if (!isOutOfMemory(thrown)) throw thrown;
      return await this.#queries.alone(async () => {
        // Without memory not even this is done; and there may be no transaction.
        await connection.run('ROLLBACK').catch(() => {});
        return await work();
      });
    }
  }

  /**
   * Does what cannot be tried again, a COMMIT: with memory that the queries did not have, or alone if there is no query
   * that would have to be ended, if they allocate too much, or if there is not even memory to ask for more.
   */
  async commit<T>(work: () => Promise<T>): Promise<T> {
    const limit = this.#limit;
    if (limit === undefined) return await work();
    if (!this.#queries.any || (await this.#tooMuchIsAllocated())) return await this.#queries.alone(work);
    try {
      await this.#setLimit(limit * (1 + RESERVE_SHARE));
    } catch {
      return await this.#queries.alone(work);
    }
    try {
      return await work();
    } finally {
      // It cannot be lowered below what is pinned: queries may have taken some of it by now.
      await this.#setLimit(limit).catch(() => this.#queries.alone(() => this.#setLimit(limit)));
    }
  }

  async #setLimit(bytes: number): Promise<void> {
    await this.#settings.run(`SET memory_limit = '${Math.floor(bytes)}B'`);
  }

  /** Ends the queries if they allocate too much. */
  async #look(): Promise<void> {
    if (!this.#queries.any || this.#looking !== undefined) return;
    this.#looking = this.#tooMuchIsAllocated().then((isTooMuch) => {
      if (isTooMuch) return this.#queries.alone(async () => {});
    });
    await this.#looking;
    this.#looking = undefined;
  }

  /** What cannot be known for want of memory is too much. */
  async #tooMuchIsAllocated(): Promise<boolean> {
    const allocated = `SELECT memory_usage_bytes::DOUBLE AS bytes FROM duckdb_memory() WHERE tag = 'ALLOCATOR'`;
    try {
      const [{ bytes }] = await rowsOf(this.#settings, allocated);
      return Number(bytes) > this.#limit! * ALLOCATED_SHARE;
    } catch {
      return true;
    }
  }
}
