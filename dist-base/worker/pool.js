import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  WorkerPool
} from "../chunk-NXMBWKMU.js";
import "../chunk-EPKFPIWO.js";
import "../chunk-TH4FY7UR.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  WorkerPool
};
//# sourceMappingURL=pool.js.map
