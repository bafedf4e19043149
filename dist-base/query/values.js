import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  rawValue,
  shownValue
} from "../chunk-DGXFOAQC.js";
import "../chunk-GJN24UZD.js";
import "../chunk-ZIERCETT.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  rawValue,
  shownValue
};
//# sourceMappingURL=values.js.map
