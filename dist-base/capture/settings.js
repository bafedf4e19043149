import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  captureSettings
} from "../chunk-RGOYJG2Y.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-YJDLZ72D.js";
export {
  captureSettings
};
//# sourceMappingURL=settings.js.map
