import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  readEvent
} from "../chunk-WNTMWXKL.js";
import "../chunk-C7DSCYEK.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  readEvent
};
//# sourceMappingURL=change-event.js.map
