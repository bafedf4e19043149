import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  SluiceError
} from "./chunk-OOJGYMCI.js";

// src/query/running-queries.ts
var MAX_RUNNING = 2;
var RunningQueries = class {
  #running = /* @__PURE__ */ new Map();
  #waiting = [];
  /** How many need to be alone now: no query starts. */
  #held = 0;
  /** Whether there is any. */
  get any() {
    return this.#running.size > 0;
  }
  /**
   * Runs a query when it is its turn.
   * @param ending aborted to end the query; its reason is the error that the query's client gets
   */
  run(ending, task) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ending, task: () => task().then(resolve, reject) });
      this.#startWaiting();
    });
  }
  /** Ends all queries, and does `work` when they have ended; the ones that wait start after it. */
  async alone(work) {
    this.#held++;
    try {
      await this.#end(
        "the query was ended, as commits need the memory that the queries held: ask for less at once, or raise DUCKDB_MEMORY_LIMIT"
      );
      return await work();
    } finally {
      this.#held--;
      this.#startWaiting();
    }
  }
  /** Resolves when the last query has ended: only then may its database be closed. None starts after it. */
  async close() {
    this.#held++;
    this.#waiting.length = 0;
    await this.#end("the running process is ending");
  }
  async #end(why) {
    const reason = new SluiceError("SLUICE_QUERY", why);
    for (const ending of this.#running.keys()) ending.abort(reason);
    await Promise.all(this.#running.values());
  }
  #startWaiting() {
    while (this.#held === 0 && this.#running.size < MAX_RUNNING) {
      const next = this.#waiting.shift();
      if (next === void 0) return;
      const run = next.task().finally(() => {
        this.#running.delete(next.ending);
        this.#startWaiting();
      });
      this.#running.set(next.ending, run);
    }
  }
};

export {
  RunningQueries
};
//# sourceMappingURL=chunk-RXQEFNT4.js.map
