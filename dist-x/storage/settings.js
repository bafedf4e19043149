import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  storageSettings
} from "../chunk-XX2QXVV5.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-YJDLZ72D.js";
export {
  storageSettings
};
//# sourceMappingURL=settings.js.map
