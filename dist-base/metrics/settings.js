import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  metricsSettings
} from "../chunk-R6P75VNJ.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-YJDLZ72D.js";
export {
  metricsSettings
};
//# sourceMappingURL=settings.js.map
