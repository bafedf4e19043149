import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  NO_SEQUENCE,
  insertNew
} from "../../chunk-ZJBAB5BW.js";
import "../../chunk-XA52K7QX.js";
import "../../chunk-35ENZBND.js";
import "../../chunk-YDIRAWJT.js";
import "../../chunk-YJDLZ72D.js";
export {
  NO_SEQUENCE,
  insertNew
};
//# sourceMappingURL=duplicates.js.map
