import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  stageFile
} from "../chunk-S7WSWR6X.js";
import "../chunk-CLQZY57A.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  stageFile
};
//# sourceMappingURL=staged-file.js.map
