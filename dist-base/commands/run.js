import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  addRunCommand,
  run
} from "../chunk-FICZPKZY.js";
import "../chunk-NXMBWKMU.js";
import "../chunk-W6HOR4GN.js";
import "../chunk-FBHQ5Z43.js";
import "../chunk-W2G25LU4.js";
import "../chunk-NWO6NEV3.js";
import "../chunk-4DY4I6IR.js";
import "../chunk-GZLA4OOC.js";
import "../chunk-PYGBLZYJ.js";
import "../chunk-VIOANQAD.js";
import "../chunk-TKECL2ZH.js";
import "../chunk-BNGWBFWW.js";
import "../chunk-ZXXCDJFI.js";
import "../chunk-KITCKQRO.js";
import "../chunk-TITWDC23.js";
import "../chunk-OU6JOUIS.js";
import "../chunk-LGQWCH7A.js";
import "../chunk-BL3W4XIE.js";
import "../chunk-QEBGBBCI.js";
import "../chunk-WR3QQRH3.js";
import "../chunk-PIEFKR7I.js";
import "../chunk-XC7MPS2P.js";
import "../chunk-D6KRNQUS.js";
import "../chunk-S7F6MS65.js";
import "../chunk-UZ5IPIWX.js";
import "../chunk-KL3522I4.js";
import "../chunk-35ENZBND.js";
import "../chunk-QVWHMW6S.js";
import "../chunk-RSNPQ7RP.js";
import "../chunk-3KHFPC5P.js";
import "../chunk-XX2QXVV5.js";
import "../chunk-WLLQFX4B.js";
import "../chunk-JPEX5SPN.js";
import "../chunk-DGTVI5YT.js";
import "../chunk-6NKXPVZU.js";
import "../chunk-CLQZY57A.js";
import "../chunk-A5KJPO3G.js";
import "../chunk-CDQ2KRLW.js";
import "../chunk-6JEHCNW6.js";
import "../chunk-R6P75VNJ.js";
import "../chunk-KXDMV5BO.js";
import "../chunk-54DXXXXG.js";
import "../chunk-RGOYJG2Y.js";
import "../chunk-EPKFPIWO.js";
import "../chunk-KKZN6CSE.js";
import "../chunk-OH6I472K.js";
import "../chunk-MWQGDSM6.js";
import "../chunk-TVFHEO26.js";
import "../chunk-NDIGE3PA.js";
import "../chunk-TH4FY7UR.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  addRunCommand,
  run
};
//# sourceMappingURL=run.js.map
