import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  compactionSettings,
  duckdbSettings
} from "../../chunk-WLLQFX4B.js";
import "../../chunk-TH4FY7UR.js";
import "../../chunk-XAGLG5OY.js";
import "../../chunk-JJ6JF4DP.js";
import "../../chunk-YJDLZ72D.js";
export {
  compactionSettings,
  duckdbSettings
};
//# sourceMappingURL=settings.js.map
