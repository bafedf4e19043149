import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  pipelineSettings
} from "../chunk-A5KJPO3G.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-YJDLZ72D.js";
export {
  pipelineSettings
};
//# sourceMappingURL=settings.js.map
