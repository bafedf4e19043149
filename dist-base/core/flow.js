import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  MERGE_FROM,
  START_FROM,
  STATUSES,
  WORKER_LOADED
} from "../chunk-TH4FY7UR.js";
import "../chunk-YJDLZ72D.js";
export {
  MERGE_FROM,
  START_FROM,
  STATUSES,
  WORKER_LOADED
};
//# sourceMappingURL=flow.js.map
