import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  integer,
  setting,
  text
} from "./chunk-XAGLG5OY.js";
import {
  object
} from "./chunk-JJ6JF4DP.js";

// src/worker/settings.ts
import { availableParallelism } from "node:os";
var CENTURY_MS = 36500 * 864e5;
var workerSettings = object({
  workers: setting(
    "WORKERS",
    "worker threads, at least 1",
    integer(1, 256).prefault(() => String(Math.max(1, availableParallelism() - 1))),
    "cores \u2212 1"
  ),
  /** Decimal text: amounts are never floating point. */
  highValueThreshold: setting(
    "HIGH_VALUE_THRESHOLD",
    "`is_high_value` is amount > this",
    text(/^\d{1,14}(\.\d{1,4})?$/, "must be an amount from 0 to 99999999999999.9999, such as 1000 or 999.99").prefault(
      "1000"
    )
  ),
  lateAfterMs: setting(
    "LATE_AFTER_MS",
    "`is_late` is event time < Kafka timestamp \u2212 this",
    integer(0, CENTURY_MS).prefault("600000")
  )
});

export {
  workerSettings
};
//# sourceMappingURL=chunk-3KHFPC5P.js.map
