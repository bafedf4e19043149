import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  openStagedRows
} from "../../chunk-SKOW2O6Y.js";
import "../../chunk-Z3X3PFTP.js";
import "../../chunk-XA52K7QX.js";
import "../../chunk-YJDLZ72D.js";
export {
  openStagedRows
};
//# sourceMappingURL=staged-rows.js.map
