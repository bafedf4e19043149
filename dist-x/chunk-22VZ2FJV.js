import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/kafka/log-ends.ts
var INTERVAL_MS = 5e3;
var TIMEOUT_MS = 2e3;
var LogEnds = class {
  #list;
  #ends = /* @__PURE__ */ new Map();
  #watched = [];
  #askedMs = Number.NEGATIVE_INFINITY;
  #asking = false;
  constructor(list) {
    this.#list = list;
  }
  /** Asks for the ends of these partitions from now on. What is known of others is kept. */
  watch(partitions) {
    this.#watched = partitions;
    this.#askedMs = Number.NEGATIVE_INFINITY;
  }
  /** Undefined if no broker has said it yet. */
  endOf(partition) {
    return this.#ends.get(partition)?.offset;
  }
  /** As of when all ends are known; `performance.now()`; undefined if one is not. */
  get asOfMs() {
    let oldest;
    for (const partition of this.#watched) {
      const end = this.#ends.get(partition);
      if (end === void 0) return void 0;
      oldest = Math.min(oldest ?? end.asOfMs, end.asOfMs);
    }
    return oldest;
  }
  /** Asks the brokers now and then, beside the caller: to be called often. */
  refresh() {
    const nowMs = performance.now();
    if (this.#asking || this.#watched.length === 0 || nowMs - this.#askedMs < INTERVAL_MS) return;
    this.#askedMs = nowMs;
    void this.#ask(this.#watched, nowMs);
  }
  async #ask(partitions, asOfMs) {
    this.#asking = true;
    try {
      for (const [partition, offset] of await this.#list(partitions, TIMEOUT_MS)) {
        this.#ends.set(partition, { offset, asOfMs });
      }
    } catch {
    } finally {
      this.#asking = false;
    }
  }
};

export {
  LogEnds
};
//# sourceMappingURL=chunk-22VZ2FJV.js.map
