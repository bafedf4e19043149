import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  workerSettings
} from "../chunk-3KHFPC5P.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-YJDLZ72D.js";
export {
  workerSettings
};
//# sourceMappingURL=settings.js.map
