import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  refuseEffects
} from "../chunk-OE7B3VBQ.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  refuseEffects
};
//# sourceMappingURL=effects.js.map
