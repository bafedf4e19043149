import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Dispatcher
} from "../chunk-EEIWH2RV.js";
import "../chunk-YJDLZ72D.js";
export {
  Dispatcher
};
//# sourceMappingURL=dispatcher.js.map
