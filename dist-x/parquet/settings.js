import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  parquetSettings
} from "../chunk-CDQ2KRLW.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-YJDLZ72D.js";
export {
  parquetSettings
};
//# sourceMappingURL=settings.js.map
