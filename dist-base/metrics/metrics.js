import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Metrics,
  STAGES
} from "../chunk-OU6JOUIS.js";
import "../chunk-35ENZBND.js";
import "../chunk-54DXXXXG.js";
import "../chunk-YJDLZ72D.js";
export {
  Metrics,
  STAGES
};
//# sourceMappingURL=metrics.js.map
