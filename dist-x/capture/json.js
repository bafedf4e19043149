import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  JsonText,
  int64Text,
  jsonOf
} from "../chunk-WDMEDPAW.js";
import "../chunk-C7DSCYEK.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  JsonText,
  int64Text,
  jsonOf
};
//# sourceMappingURL=json.js.map
