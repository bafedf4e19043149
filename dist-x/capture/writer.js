import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  GroupWriter,
  oversizeTopic
} from "../chunk-JCAWG3YH.js";
import "../chunk-HMEGJFLA.js";
import "../chunk-Y3JUF4HW.js";
import "../chunk-ZSIUQ3Z2.js";
import "../chunk-WDMEDPAW.js";
import "../chunk-C7DSCYEK.js";
import "../chunk-UUWHHKMF.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  GroupWriter,
  oversizeTopic
};
//# sourceMappingURL=writer.js.map
