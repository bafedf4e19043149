import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Assignment
} from "../chunk-BNGWBFWW.js";
import "../chunk-ZXXCDJFI.js";
import "../chunk-KITCKQRO.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  Assignment
};
//# sourceMappingURL=assignment.js.map
