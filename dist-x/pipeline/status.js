import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  MAX_STALLED_MS,
  partitionStatus,
  problemOf,
  showStatus
} from "../chunk-5VG53R7G.js";
import "../chunk-YJDLZ72D.js";
export {
  MAX_STALLED_MS,
  partitionStatus,
  problemOf,
  showStatus
};
//# sourceMappingURL=status.js.map
