import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  integer,
  setting
} from "./chunk-XAGLG5OY.js";
import {
  object
} from "./chunk-JJ6JF4DP.js";

// src/metrics/settings.ts
var metricsSettings = object({
  port: setting("METRICS_PORT", "on 127.0.0.1; `0` turns metrics off", integer(0, 65535).prefault("9464")),
  graceMs: setting(
    "METRICS_GRACE_MS",
    "how long a failure is shown before the process ends, so that it is scraped; at least a scrape interval",
    integer(0, 6e5).prefault("15000")
  )
});

export {
  metricsSettings
};
//# sourceMappingURL=chunk-R6P75VNJ.js.map
