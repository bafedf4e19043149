import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Positions
} from "../chunk-KITCKQRO.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  Positions
};
//# sourceMappingURL=positions.js.map
