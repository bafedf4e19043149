import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  JsonText,
  int64Text,
  jsonOf
} from "../chunk-SYKV6E3L.js";
import "../chunk-SC3AT35C.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  JsonText,
  int64Text,
  jsonOf
};
//# sourceMappingURL=json.js.map
