import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";

// src/capture/retry.ts
import { setTimeout as sleep } from "node:timers/promises";
import { MongoNetworkTimeoutError, MongoServerError } from "mongodb";
var MAX_BACKOFF_MS = 1e4;
var MAX_TRIES = 6;
var RETRYABLE_CODES = /* @__PURE__ */ new Set([
  6,
  7,
  43,
  64,
  89,
  91,
  134,
  189,
  262,
  9001,
  10107,
  11600,
  11602,
  13435,
  13436
]);
async function withTimeout(answer, timeoutMs) {
  let timer;
  const overdue = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new MongoNetworkTimeoutError(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([answer, overdue]);
  } finally {
    clearTimeout(timer);
  }
}
async function raceTimeout(coming, waitMs) {
  let timer;
  const over = new Promise((resolve) => {
    timer = setTimeout(resolve, waitMs, void 0);
  });
  try {
    return await Promise.race([coming, over]);
  } finally {
    clearTimeout(timer);
  }
}
function backoff(failures) {
  return Math.min(MAX_BACKOFF_MS, 100 * 2 ** failures);
}
async function withRetry(ask, { what, timeoutMs, log, onFailure }) {
  for (let failures = 0; ; ) {
    try {
      return await withTimeout(ask(), timeoutMs);
    } catch (thrown) {
      const error = thrown;
      if (!isRetryable(error) || ++failures === MAX_TRIES) {
        const message = `MongoDB: ${what} cannot be read: ${error.message}`;
        throw new SluiceError("SLUICE_MONGODB", message, { cause: error });
      }
      onFailure(error);
      const backoffMs = backoff(failures);
      log.warn({ backoffMs }, `MongoDB: ${error.message}; retrying to read ${what}`);
      await sleep(backoffMs);
    }
  }
}
function isRetryable(error) {
  return !(error instanceof MongoServerError) || RETRYABLE_CODES.has(Number(error.code));
}

export {
  withTimeout,
  raceTimeout,
  backoff,
  withRetry
};
//# sourceMappingURL=chunk-26RKM656.js.map
