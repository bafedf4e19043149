import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  ParseStats
} from "../chunk-VJZB6MOE.js";
import "../chunk-TH4FY7UR.js";
import "../chunk-YJDLZ72D.js";
export {
  ParseStats
};
//# sourceMappingURL=parse-stats.js.map
