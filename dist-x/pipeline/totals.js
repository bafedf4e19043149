import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  countCommit,
  newTotals
} from "../chunk-NWO6NEV3.js";
import "../chunk-35ENZBND.js";
import "../chunk-YJDLZ72D.js";
export {
  countCommit,
  newTotals
};
//# sourceMappingURL=totals.js.map
