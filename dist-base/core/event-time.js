import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  AHEAD_MS
} from "../chunk-MGXMPSQE.js";
import "../chunk-YJDLZ72D.js";
export {
  AHEAD_MS
};
//# sourceMappingURL=event-time.js.map
