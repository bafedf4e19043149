import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  addVerifyCommand,
  verify
} from "../chunk-PLGUZZSL.js";
import "../chunk-2KC2HGLH.js";
import "../chunk-6M72BUBQ.js";
import "../chunk-LO7CBCK4.js";
import "../chunk-WIYZIOAD.js";
import "../chunk-TTAWQF2C.js";
import "../chunk-QM55ITZM.js";
import "../chunk-KJC4RAC6.js";
import "../chunk-UGEQL673.js";
import "../chunk-DWRPAFQN.js";
import "../chunk-OE7B3VBQ.js";
import "../chunk-LGQWCH7A.js";
import "../chunk-BL3W4XIE.js";
import "../chunk-QEBGBBCI.js";
import "../chunk-WR3QQRH3.js";
import "../chunk-PIEFKR7I.js";
import "../chunk-XC7MPS2P.js";
import "../chunk-D6KRNQUS.js";
import "../chunk-DGXFOAQC.js";
import "../chunk-GJN24UZD.js";
import "../chunk-QVZ4RX7Q.js";
import "../chunk-BLAVQB6S.js";
import "../chunk-RXQEFNT4.js";
import "../chunk-XA52K7QX.js";
import "../chunk-ZIERCETT.js";
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
import "../chunk-RGOYJG2Y.js";
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
  addVerifyCommand,
  verify
};
//# sourceMappingURL=verify.js.map
