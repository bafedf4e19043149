import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  SECTIONS,
  misspelledVariables,
  readConfig,
  readLogOptions
} from "./chunk-RSNPQ7RP.js";
import "./chunk-3KHFPC5P.js";
import "./chunk-XX2QXVV5.js";
import "./chunk-WLLQFX4B.js";
import "./chunk-JPEX5SPN.js";
import "./chunk-DGTVI5YT.js";
import "./chunk-6NKXPVZU.js";
import "./chunk-CLQZY57A.js";
import "./chunk-A5KJPO3G.js";
import "./chunk-CDQ2KRLW.js";
import "./chunk-6JEHCNW6.js";
import "./chunk-R6P75VNJ.js";
import "./chunk-KXDMV5BO.js";
import "./chunk-RGOYJG2Y.js";
import "./chunk-TVFHEO26.js";
import "./chunk-NDIGE3PA.js";
import "./chunk-TH4FY7UR.js";
import "./chunk-XAGLG5OY.js";
import "./chunk-JJ6JF4DP.js";
import "./chunk-OOJGYMCI.js";
import "./chunk-YJDLZ72D.js";
export {
  SECTIONS,
  misspelledVariables,
  readConfig,
  readLogOptions
};
//# sourceMappingURL=config.js.map
