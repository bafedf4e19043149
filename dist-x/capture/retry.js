import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  backoff,
  raceTimeout,
  withRetry,
  withTimeout
} from "../chunk-26RKM656.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  backoff,
  raceTimeout,
  withRetry,
  withTimeout
};
//# sourceMappingURL=retry.js.map
