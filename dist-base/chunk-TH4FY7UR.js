import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/core/flow.ts
var STATUSES = [
  "ok",
  "tombstone",
  "malformed",
  "not_object",
  "missing_required",
  "too_large",
  "kernel_trap"
];
var MERGE_FROM = ["arrow", "parquet"];
var START_FROM = ["earliest", "latest", "group"];
var WORKER_LOADED = "loaded";

export {
  STATUSES,
  MERGE_FROM,
  START_FROM,
  WORKER_LOADED
};
//# sourceMappingURL=chunk-TH4FY7UR.js.map
