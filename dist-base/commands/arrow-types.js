import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  arrowData,
  arrowType
} from "../chunk-QPI3CKGS.js";
import "../chunk-TONEWEO2.js";
import "../chunk-DGXFOAQC.js";
import "../chunk-GJN24UZD.js";
import "../chunk-ZIERCETT.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  arrowData,
  arrowType
};
//# sourceMappingURL=arrow-types.js.map
