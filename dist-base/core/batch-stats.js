import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  BATCH_STATS,
  BATCH_STAT_LIST,
  NO_STATS,
  combineStats,
  kernelStats
} from "../chunk-35ENZBND.js";
import "../chunk-YJDLZ72D.js";
export {
  BATCH_STATS,
  BATCH_STAT_LIST,
  NO_STATS,
  combineStats,
  kernelStats
};
//# sourceMappingURL=batch-stats.js.map
