import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  readOnlyRows,
  shownRows
} from "../chunk-DWRPAFQN.js";
import "../chunk-OE7B3VBQ.js";
import "../chunk-DGXFOAQC.js";
import "../chunk-GJN24UZD.js";
import "../chunk-XA52K7QX.js";
import "../chunk-ZIERCETT.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  readOnlyRows,
  shownRows
};
//# sourceMappingURL=read-only.js.map
