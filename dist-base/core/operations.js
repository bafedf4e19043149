import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  OPERATION
} from "../chunk-Y3JUF4HW.js";
import "../chunk-YJDLZ72D.js";
export {
  OPERATION
};
//# sourceMappingURL=operations.js.map
