import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  checkFormat,
  issueBits,
  openFormat
} from "../../chunk-MPPZZGPY.js";
import "../../chunk-XA52K7QX.js";
import "../../chunk-35ENZBND.js";
import "../../chunk-CLQZY57A.js";
import "../../chunk-YDIRAWJT.js";
import "../../chunk-YJDLZ72D.js";
export {
  checkFormat,
  issueBits,
  openFormat
};
//# sourceMappingURL=format.js.map
