import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  backoff,
  raceTimeout,
  withRetry,
  withTimeout
} from "../chunk-R4PP75HT.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  backoff,
  raceTimeout,
  withRetry,
  withTimeout
};
//# sourceMappingURL=retry.js.map
