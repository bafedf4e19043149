import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Positions
} from "../chunk-AJUKBJ3N.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  Positions
};
//# sourceMappingURL=positions.js.map
