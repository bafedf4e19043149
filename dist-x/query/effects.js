import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  refuseEffects
} from "../chunk-4J46FUJU.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  refuseEffects
};
//# sourceMappingURL=effects.js.map
