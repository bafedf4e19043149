import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Kernel
} from "../chunk-JSKUAEG5.js";
import "../chunk-BNP7KJPG.js";
import "../chunk-V3EL5LOM.js";
import "../chunk-MYUHKRCP.js";
import "../chunk-TLNNE6W3.js";
import "../chunk-MDWEB32Y.js";
import "../chunk-WTTS74JV.js";
import "../chunk-BRZXHCDZ.js";
import "../chunk-KYH7TSYC.js";
import "../chunk-TBKYUH34.js";
import "../chunk-TONEWEO2.js";
import "../chunk-6JEHCNW6.js";
import "../chunk-EPKFPIWO.js";
import "../chunk-TH4FY7UR.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  Kernel
};
//# sourceMappingURL=kernel.js.map
