import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  readEvent
} from "../chunk-NS7YMOSL.js";
import "../chunk-SC3AT35C.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  readEvent
};
//# sourceMappingURL=change-event.js.map
