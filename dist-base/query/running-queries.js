import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  RunningQueries
} from "../chunk-RXQEFNT4.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  RunningQueries
};
//# sourceMappingURL=running-queries.js.map
