import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  rowsOf
} from "./chunk-XA52K7QX.js";
import {
  isOutOfMemory
} from "./chunk-YDIRAWJT.js";

// src/sinks/duckdb/commit-memory.ts
var LOOK_EVERY_MS = 20;
var ALLOCATED_SHARE = 0.5;
var RESERVE_SHARE = 0.5;
var WAITING_SHARE = 0.25;
var WRITTEN_SHARE = 0.5;
var CommitMemory = class _CommitMemory {
  /** Not that of the commits: a transaction in which a SET failed is aborted, and its COMMIT a silent ROLLBACK. */
  #settings;
  #queries;
  /** Bytes. */
  #limit;
  #timer;
  #looking;
  constructor(settings, queries, limit) {
    this.#settings = settings;
    this.#queries = queries;
    this.#limit = limit;
    if (limit !== void 0) this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS).unref();
  }
  /** @param limit that of the instance in bytes, undefined if it is DuckDB's own */
  static async open(instance, queries, limit) {
    return new _CommitMemory(await instance.connect(), queries, limit);
  }
  async close() {
    clearInterval(this.#timer);
    await this.#looking;
    this.#settings.closeSync();
  }
  /** Does the work of a transaction that is not committed yet: again without queries if memory runs out. */
  async write(connection, work) {
    try {
      return await work();
    } catch (thrown) {
      if (!isOutOfMemory(thrown)) throw thrown;
      return await this.#queries.alone(async () => {
        await connection.run("ROLLBACK").catch(() => {
        });
        return await work();
      });
    }
  }
  /** Whether a transaction has written so many long strings that it should be several transactions. */
  async hasWrittenTooMuch() {
    return this.#limit !== void 0 && await this.#longStrings() > this.#limit * WRITTEN_SHARE;
  }
  /**
   * Does what cannot be tried again, a COMMIT or CHECKPOINT, which has all long strings in memory at once: with memory
   * for them besides, and some that neither queries nor the statements before it had; without queries if they allocate
   * too much, or if there is not even memory to ask for more.
   */
  async commit(work) {
    const limit = this.#limit;
    if (limit === void 0) return await work();
    const bytes = limit * (1 + RESERVE_SHARE) + await this.#longStrings();
    const withMore = () => this.#withLimit(bytes, work);
    if (this.#queries.any && await this.#tooMuchIsAllocated()) return await this.#queries.alone(withMore);
    return await withMore();
  }
  /**
   * Moves the long strings of committed rows to the file if they are many; called after each commit and at a start.
   * DuckDB keeps strings that are longer than a block until a checkpoint, whose failure would close the database. If
   * another transaction is just writing, the next call tries again.
   */
  async storeLongStrings(connection) {
    if (this.#limit === void 0 || await this.#longStrings() <= this.#limit * WAITING_SHARE) return;
    try {
      await this.commit(() => connection.run("CHECKPOINT"));
    } catch (thrown) {
      if (!/other write transactions/.test(thrown.message)) throw thrown;
    }
  }
  async #withLimit(bytes, work) {
    const limit = this.#limit;
    const set = (value) => this.#setLimit(value).catch(() => this.#queries.alone(() => this.#setLimit(value)));
    await set(bytes);
    try {
      return await work();
    } finally {
      await set(limit);
    }
  }
  async #setLimit(bytes) {
    await this.#settings.run(`SET memory_limit = '${Math.floor(bytes)}B'`);
  }
  /** Ends the queries if they allocate too much. */
  async #look() {
    if (!this.#queries.any || this.#looking !== void 0) return;
    this.#looking = this.#tooMuchIsAllocated().then((isTooMuch) => {
      if (isTooMuch) return this.#queries.alone(async () => {
      });
    });
    await this.#looking;
    this.#looking = void 0;
  }
  /** What cannot be known for want of memory is too much. */
  async #tooMuchIsAllocated() {
    try {
      return await this.#bytesOf("ALLOCATOR") > this.#limit * ALLOCATED_SHARE;
    } catch {
      return true;
    }
  }
  async #longStrings() {
    const look = () => this.#bytesOf("OVERFLOW_STRINGS");
    return await look().catch(() => this.#queries.alone(look));
  }
  /** In memory, or moved to disk for want of it. */
  async #bytesOf(tag) {
    const [{ bytes }] = await rowsOf(
      this.#settings,
      `SELECT (memory_usage_bytes + temporary_storage_bytes)::DOUBLE AS bytes
       FROM duckdb_memory() WHERE tag = '${tag}'`
    );
    return Number(bytes);
  }
};

export {
  CommitMemory
};
//# sourceMappingURL=chunk-Z5CZQKGQ.js.map
