import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Pipeline
} from "../chunk-FBHQ5Z43.js";
import "../chunk-W2G25LU4.js";
import "../chunk-NWO6NEV3.js";
import "../chunk-4DY4I6IR.js";
import "../chunk-GZLA4OOC.js";
import "../chunk-PYGBLZYJ.js";
import "../chunk-TKECL2ZH.js";
import "../chunk-BNGWBFWW.js";
import "../chunk-ZXXCDJFI.js";
import "../chunk-KITCKQRO.js";
import "../chunk-TITWDC23.js";
import "../chunk-XC7MPS2P.js";
import "../chunk-35ENZBND.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  Pipeline
};
//# sourceMappingURL=pipeline.js.map
