import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  rawValue,
  shownValue
} from "../chunk-4RNLI5IY.js";
import "../chunk-WX4LE7JX.js";
import "../chunk-ZIERCETT.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  rawValue,
  shownValue
};
//# sourceMappingURL=values.js.map
