import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  checkTimeZone,
  timestampText
} from "../chunk-WX4LE7JX.js";
import "../chunk-ZIERCETT.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  checkTimeZone,
  timestampText
};
//# sourceMappingURL=time-zone.js.map
