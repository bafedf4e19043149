import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/kafka/client-log.ts
var WINDOW_MS = 6e4;
var MAX_MESSAGES = 100;
var ClientLog = class {
  #log;
  #seen = /* @__PURE__ */ new Map();
  constructor(log) {
    this.#log = log;
  }
  /** Logs a message at once if it is the first of its kind in a minute; equal ones are counted on the next line. */
  warn({ code, message }) {
    const nowMs = performance.now();
    const seen = this.#seen.get(message);
    if (seen !== void 0 && nowMs < seen.sinceMs + WINDOW_MS) {
      seen.more++;
      return;
    }
    if (this.#seen.size >= MAX_MESSAGES) this.#seen.clear();
    this.#seen.set(message, { sinceMs: nowMs, more: 0 });
    const more = seen === void 0 || seen.more === 0 ? "" : `; ${seen.more} more of the same since the last line`;
    this.#log.warn({ code }, `Kafka: ${message}${more}`);
  }
};

export {
  ClientLog
};
//# sourceMappingURL=chunk-KKZN6CSE.js.map
