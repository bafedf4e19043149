import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  readOnlyRows,
  shownRows
} from "../chunk-BD3RWV2C.js";
import "../chunk-4J46FUJU.js";
import "../chunk-4RNLI5IY.js";
import "../chunk-WX4LE7JX.js";
import "../chunk-XA52K7QX.js";
import "../chunk-ZIERCETT.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  readOnlyRows,
  shownRows
};
//# sourceMappingURL=read-only.js.map
