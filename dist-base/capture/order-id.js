import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  markerId,
  orderIdOf
} from "../chunk-64UPU5I7.js";
import "../chunk-SYKV6E3L.js";
import "../chunk-SC3AT35C.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  markerId,
  orderIdOf
};
//# sourceMappingURL=order-id.js.map
