import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  linesOf
} from "../chunk-KJC4RAC6.js";
import "../chunk-YJDLZ72D.js";
export {
  linesOf
};
//# sourceMappingURL=lines.js.map
