import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Compactor
} from "../chunk-4DY4I6IR.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  Compactor
};
//# sourceMappingURL=compactor.js.map
