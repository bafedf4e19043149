import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  CaptureMetrics
} from "../chunk-SIV4BNGZ.js";
import "../chunk-54DXXXXG.js";
import "../chunk-YJDLZ72D.js";
export {
  CaptureMetrics
};
//# sourceMappingURL=metrics.js.map
