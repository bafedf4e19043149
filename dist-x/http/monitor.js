import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Monitor
} from "../chunk-OYH4WVCP.js";
import "../chunk-3HZOQQLY.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  Monitor
};
//# sourceMappingURL=monitor.js.map
