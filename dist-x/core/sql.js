import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  identifier,
  literal,
  rowsOf
} from "../chunk-XA52K7QX.js";
import "../chunk-YJDLZ72D.js";
export {
  identifier,
  literal,
  rowsOf
};
//# sourceMappingURL=sql.js.map
