import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/core/batch-stats.ts
var count = (column) => ({ column, type: "BIGINT" });
var seconds = (column) => ({ column, type: "DOUBLE" });
var outcome = (name) => ({ name: "sluice_rows_total", labels: { outcome: name } });
var flag = (name) => ({ name: "sluice_rows_flagged_total", labels: { flag: name } });
var stage = (name) => ({ name: "sluice_stage_seconds_total", labels: { stage: name } });
var reject = (status) => ({ combine: "sum", by: "kernel", metric: outcome(status), metadata: `messages_${status}` });
var BATCH_STATS = {
  messages: { combine: "sum", by: "worker", ledger: count("rows_consumed") },
  merged: {
    combine: "sum",
    by: "sink",
    ledger: count("rows_merged"),
    metric: outcome("merged"),
    summary: "merged"
  },
  duplicate: {
    combine: "sum",
    by: "sink",
    ledger: count("rows_duplicate"),
    metric: outcome("duplicate"),
    summary: "duplicate"
  },
  quarantined: {
    combine: "sum",
    by: "worker",
    ledger: count("rows_quarantined"),
    summary: "quarantined",
    metadata: "messages_quarantined"
  },
  tombstone: {
    combine: "sum",
    by: "kernel",
    ledger: count("rows_tombstone"),
    metric: outcome("tombstone"),
    summary: "tombstone",
    metadata: "messages_tombstone"
  },
  rowsLate: {
    combine: "sum",
    by: "kernel",
    ledger: count("rows_late"),
    metric: flag("late"),
    summary: "late",
    predicate: "is_late"
  },
  rowsWithIssues: {
    combine: "sum",
    by: "kernel",
    ledger: count("rows_with_issues"),
    metric: flag("issues"),
    summary: "withIssues",
    predicate: "issues <> 0"
  },
  rowsHighValue: { combine: "sum", by: "kernel", metric: flag("high_value"), summary: "highValue" },
  kernelSeconds: { combine: "sum", by: "worker", ledger: seconds("kernel_seconds"), metric: stage("kernel") },
  parquetSeconds: { combine: "sum", by: "worker", ledger: seconds("parquet_seconds"), metric: stage("parquet") },
  stageSeconds: { combine: "sum", by: "sink", ledger: seconds("stage_seconds"), metric: stage("merge") },
  /** The rows of the batch's file. */
  ok: { combine: "sum", by: "kernel", metadata: "messages_ok", predicate: "true" },
  malformed: reject("malformed"),
  not_object: reject("not_object"),
  missing_required: reject("missing_required"),
  too_large: reject("too_large"),
  kernel_trap: reject("kernel_trap"),
  batches: { combine: "sum", by: "worker", metric: { name: "sluice_batches_total" }, summary: "batches" },
  fileBytes: { combine: "sum", by: "worker", metric: { name: "sluice_parquet_bytes_total" } },
  /** Microseconds since the epoch. */
  maxEventTime: { combine: "max", by: "kernel" },
  minChangeSeq: { combine: "min", by: "kernel" },
  maxChangeSeq: { combine: "max", by: "kernel" }
};
var BATCH_STAT_LIST = Object.entries(BATCH_STATS);
function combineStats(all) {
  const combined = Object.fromEntries(
    BATCH_STAT_LIST.map(([name, { combine }]) => [name, combine === "sum" ? 0 : void 0])
  );
  for (const stats of all) {
    for (const [name, { combine }] of BATCH_STAT_LIST) {
      const [before, value] = [combined[name], stats[name]];
      if (combine === "sum") combined[name] = before + value;
      else if (before === void 0 || value !== void 0 && value > before === (combine === "max")) {
        combined[name] = value ?? before;
      }
    }
  }
  return combined;
}
var NO_STATS = combineStats([]);
function kernelStats(counted) {
  const names = BATCH_STAT_LIST.filter(([, { by }]) => by === "kernel").map(([name]) => name);
  return Object.fromEntries(names.map((name) => [name, counted[name]]));
}

export {
  BATCH_STATS,
  BATCH_STAT_LIST,
  combineStats,
  NO_STATS,
  kernelStats
};
//# sourceMappingURL=chunk-35ENZBND.js.map
