import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  markerId,
  orderIdOf
} from "../chunk-ZSIUQ3Z2.js";
import "../chunk-WDMEDPAW.js";
import "../chunk-C7DSCYEK.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  markerId,
  orderIdOf
};
//# sourceMappingURL=order-id.js.map
