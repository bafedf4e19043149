import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  arrowData,
  arrowType
} from "../chunk-V5MF7PAR.js";
import "../chunk-TONEWEO2.js";
import "../chunk-4RNLI5IY.js";
import "../chunk-WX4LE7JX.js";
import "../chunk-ZIERCETT.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  arrowData,
  arrowType
};
//# sourceMappingURL=arrow-types.js.map
