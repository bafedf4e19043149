import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  checkSole,
  claimed,
  transactionalId
} from "../chunk-S6YYZEW5.js";
import "../chunk-JCAWG3YH.js";
import "../chunk-EXA2PQRX.js";
import "../chunk-KKZN6CSE.js";
import "../chunk-SCMH34VI.js";
import "../chunk-HMEGJFLA.js";
import "../chunk-Y3JUF4HW.js";
import "../chunk-ZSIUQ3Z2.js";
import "../chunk-WDMEDPAW.js";
import "../chunk-WNTMWXKL.js";
import "../chunk-C7DSCYEK.js";
import "../chunk-XQATTJNJ.js";
import "../chunk-26RKM656.js";
import "../chunk-N2TRUS32.js";
import "../chunk-OPINGVEX.js";
import "../chunk-JUVGXVR4.js";
import "../chunk-VQISXDOC.js";
import "../chunk-TH4FY7UR.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-UUWHHKMF.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  checkSole,
  claimed,
  transactionalId
};
//# sourceMappingURL=claim.js.map
