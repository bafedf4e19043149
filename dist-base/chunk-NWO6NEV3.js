import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  BATCH_STAT_LIST,
  NO_STATS
} from "./chunk-35ENZBND.js";

// src/pipeline/totals.ts
function newTotals() {
  const totals = { events: 0, bytes: 0, commits: 0, lostOffsets: 0 };
  addStats(totals, NO_STATS);
  return totals;
}
function countCommit(totals, { stats }) {
  totals.commits++;
  addStats(totals, stats);
}
function addStats(totals, stats) {
  for (const [name, { summary }] of BATCH_STAT_LIST) {
    if (summary === void 0) continue;
    const key = summary;
    totals[key] = (totals[key] ?? 0) + Number(stats[name]);
  }
}

export {
  newTotals,
  countCommit
};
//# sourceMappingURL=chunk-NWO6NEV3.js.map
