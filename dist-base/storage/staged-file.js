import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  stageFile
} from "../chunk-6FB4SQ4F.js";
import "../chunk-CLQZY57A.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  stageFile
};
//# sourceMappingURL=staged-file.js.map
