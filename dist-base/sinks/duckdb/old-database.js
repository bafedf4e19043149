import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  OLD,
  attachOld
} from "../../chunk-P37XOSGB.js";
import "../../chunk-XA52K7QX.js";
import "../../chunk-OOJGYMCI.js";
import "../../chunk-YJDLZ72D.js";
export {
  OLD,
  attachOld
};
//# sourceMappingURL=old-database.js.map
