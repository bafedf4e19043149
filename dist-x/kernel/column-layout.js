import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  COLUMN_LAYOUTS
} from "../chunk-TLNNE6W3.js";
import "../chunk-YJDLZ72D.js";
export {
  COLUMN_LAYOUTS
};
//# sourceMappingURL=column-layout.js.map
