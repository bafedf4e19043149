import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  RunningQueries
} from "../chunk-EBS55YID.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  RunningQueries
};
//# sourceMappingURL=running-queries.js.map
