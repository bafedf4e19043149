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
/** Of the limit: the long strings of committed rows that may wait for a checkpoint. */
const WAITING_SHARE = 0.25;
/** Of the limit: those, and the ones that a transaction of several batches may add. */
const WRITTEN_SHARE = 0.5;

export class CommitMemory {
  /** Not that of the commits: a transaction in which a SET failed is aborted, and its COMMIT a silent ROLLBACK. */
  readonly #settings: DuckDBConnection;
  readonly #queries: RunningQueries;
  /** Bytes. */
  readonly #limit: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #committing: Promise<unknown> = Promise.resolve();

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

  /** Whether a transaction has written so many long strings that it should be several transactions. */
  async hasWrittenTooMuch(): Promise<boolean> {
    return this.#limit !== undefined && (await this.#longStrings()) > this.#limit * WRITTEN_SHARE;
  }

  /**
   * Does what cannot be tried again, a COMMIT or CHECKPOINT, which has all long strings in memory at once: with memory
   * for them besides, and some that neither queries nor the statements before it had; without queries if they allocate
   * too much, or if there is not even memory to ask for more.
   */
  commit<T>(work: () => Promise<T>): Promise<T> {
    // One at a time: the one that ends first takes the other's memory away.
    const committed = this.#committing.then(() => this.#commit(work));
    this.#committing = committed.catch(() => {});
    return committed;
  }

  async #commit<T>(work: () => Promise<T>): Promise<T> {
    const limit = this.#limit;
    if (limit === undefined) return await work();
    const bytes = limit * (1 + RESERVE_SHARE) + (await this.#longStrings());
    const withMore = () => this.#withLimit(bytes, work);
    if (this.#queries.any && (await this.#tooMuchIsAllocated())) return await this.#queries.alone(withMore);
    return await withMore();
  }

  /**
   * Moves the long strings of committed rows to the file if they are many; called after each commit and at a start.
   * DuckDB keeps strings that are longer than a block until a checkpoint, whose failure would close the database. If
   * another transaction is just writing, the next call tries again.
   */
  async storeLongStrings(connection: DuckDBConnection): Promise<void> {
    if (this.#limit === undefined || (await this.#longStrings()) <= this.#limit * WAITING_SHARE) return;
    try {
      await this.commit(() => connection.run('CHECKPOINT'));
    } catch (thrown) {
      if (!/other write transactions/.test((thrown as Error).message)) throw thrown;
    }
  }

  async #withLimit<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const limit = this.#limit!;
    const set = (value: number) => this.#setLimit(value).catch(() => this.#queries.alone(() => this.#setLimit(value)));
    await set(bytes);
    try {
      return await work();
    } finally {
      // It cannot be lowered below what is pinned: queries may have taken some of it by now.
      await set(limit);
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
    try {
      return (await this.#bytesOf('ALLOCATOR')) > this.#limit! * ALLOCATED_SHARE;
    } catch {
      return true;
    }
  }

  async #longStrings(): Promise<number> {
    const look = () => this.#bytesOf('OVERFLOW_STRINGS');
    return await look().catch(() => this.#queries.alone(look));
  }

  /** In memory, or moved to disk for want of it. */
  async #bytesOf(tag: 'ALLOCATOR' | 'OVERFLOW_STRINGS'): Promise<number> {
    const [{ bytes }] = await rowsOf(
      this.#settings,
      `SELECT (memory_usage_bytes + temporary_storage_bytes)::DOUBLE AS bytes
       FROM duckdb_memory() WHERE tag = '${tag}'`,
    );
    return Number(bytes);
  }
}
