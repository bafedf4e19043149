import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Kernel
} from "../chunk-44SHTB4H.js";
import "../chunk-OU3ABUAZ.js";
import "../chunk-H56QG67T.js";
import "../chunk-MYUHKRCP.js";
import "../chunk-TLNNE6W3.js";
import "../chunk-MDWEB32Y.js";
import "../chunk-BRZXHCDZ.js";
import "../chunk-WTTS74JV.js";
import "../chunk-KYH7TSYC.js";
import "../chunk-XC7MPS2P.js";
import "../chunk-TONEWEO2.js";
import "../chunk-6JEHCNW6.js";
import "../chunk-EPKFPIWO.js";
import "../chunk-TH4FY7UR.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  Kernel
};
//# sourceMappingURL=kernel.js.map
