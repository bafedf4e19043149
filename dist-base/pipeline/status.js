import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  MAX_STALLED_MS,
  partitionStatus,
  problemOf,
  showStatus
} from "../chunk-W2G25LU4.js";
import "../chunk-YJDLZ72D.js";
export {
  MAX_STALLED_MS,
  partitionStatus,
  problemOf,
  showStatus
};
//# sourceMappingURL=status.js.map
