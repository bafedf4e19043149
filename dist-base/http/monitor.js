import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Monitor
} from "../chunk-S7F6MS65.js";
import "../chunk-UZ5IPIWX.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  Monitor
};
//# sourceMappingURL=monitor.js.map
