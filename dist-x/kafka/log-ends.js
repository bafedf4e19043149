import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  LogEnds
} from "../chunk-22VZ2FJV.js";
import "../chunk-YJDLZ72D.js";
export {
  LogEnds
};
//# sourceMappingURL=log-ends.js.map
