import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  arrowSchema,
  toIpcStream
} from "../chunk-V3EL5LOM.js";
import "../chunk-TONEWEO2.js";
import "../chunk-6JEHCNW6.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  arrowSchema,
  toIpcStream
};
//# sourceMappingURL=arrow.js.map
