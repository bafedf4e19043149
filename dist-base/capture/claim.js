import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  checkSole,
  claimed,
  transactionalId
} from "../chunk-JHJ5UGGO.js";
import "../chunk-YYA2DCM7.js";
import "../chunk-HVOLTKYR.js";
import "../chunk-KKZN6CSE.js";
import "../chunk-6HJ324J6.js";
import "../chunk-TEA7FTBU.js";
import "../chunk-Y3JUF4HW.js";
import "../chunk-64UPU5I7.js";
import "../chunk-SYKV6E3L.js";
import "../chunk-NS7YMOSL.js";
import "../chunk-SC3AT35C.js";
import "../chunk-TFZU5VFI.js";
import "../chunk-R4PP75HT.js";
import "../chunk-OH6I472K.js";
import "../chunk-MWQGDSM6.js";
import "../chunk-TVFHEO26.js";
import "../chunk-NDIGE3PA.js";
import "../chunk-TH4FY7UR.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-FVICLPMY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  checkSole,
  claimed,
  transactionalId
};
//# sourceMappingURL=claim.js.map
