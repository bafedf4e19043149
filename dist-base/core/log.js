import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  createLogger,
  logRemoved,
  logSettings
} from "../chunk-KXDMV5BO.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-YJDLZ72D.js";
export {
  createLogger,
  logRemoved,
  logSettings
};
//# sourceMappingURL=log.js.map
