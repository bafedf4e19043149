import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  CapturedCollection,
  READ_TIMEOUT_MS,
  idOf,
  timeAfter
} from "../chunk-SCMH34VI.js";
import "../chunk-WNTMWXKL.js";
import "../chunk-C7DSCYEK.js";
import "../chunk-XQATTJNJ.js";
import "../chunk-26RKM656.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  CapturedCollection,
  READ_TIMEOUT_MS,
  idOf,
  timeAfter
};
//# sourceMappingURL=collection.js.map
