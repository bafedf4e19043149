import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Compactor
} from "../chunk-G6COJDPL.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  Compactor
};
//# sourceMappingURL=compactor.js.map
