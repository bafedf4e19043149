import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Capture
} from "../chunk-NR4QQY24.js";
import "../chunk-RYH5Q4R2.js";
import "../chunk-SCMH34VI.js";
import "../chunk-HMEGJFLA.js";
import "../chunk-Y3JUF4HW.js";
import "../chunk-ZSIUQ3Z2.js";
import "../chunk-WDMEDPAW.js";
import "../chunk-WNTMWXKL.js";
import "../chunk-C7DSCYEK.js";
import "../chunk-XQATTJNJ.js";
import "../chunk-26RKM656.js";
import "../chunk-UUWHHKMF.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  Capture
};
//# sourceMappingURL=capture.js.map
