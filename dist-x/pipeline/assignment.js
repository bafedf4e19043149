import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Assignment
} from "../chunk-GH37DZBD.js";
import "../chunk-3FMOWVX6.js";
import "../chunk-AJUKBJ3N.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  Assignment
};
//# sourceMappingURL=assignment.js.map
