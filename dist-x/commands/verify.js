import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  addVerifyCommand,
  verify
} from "../chunk-QRYGHL3W.js";
import "../chunk-PFXLSM5G.js";
import "../chunk-2BNYHM7Y.js";
import "../chunk-LS4AT5JP.js";
import "../chunk-ZV4RSKXB.js";
import "../chunk-UFKKNCBU.js";
import "../chunk-HM3HJJNC.js";
import "../chunk-KJC4RAC6.js";
import "../chunk-NTP3J676.js";
import "../chunk-BD3RWV2C.js";
import "../chunk-4J46FUJU.js";
import "../chunk-4W42LGX5.js";
import "../chunk-DXQNZRMA.js";
import "../chunk-T7MP2WJJ.js";
import "../chunk-BL3W4XIE.js";
import "../chunk-22VZ2FJV.js";
import "../chunk-NPKNDGT4.js";
import "../chunk-TBKYUH34.js";
import "../chunk-D6KRNQUS.js";
import "../chunk-4RNLI5IY.js";
import "../chunk-WX4LE7JX.js";
import "../chunk-QVZ4RX7Q.js";
import "../chunk-BLAVQB6S.js";
import "../chunk-EBS55YID.js";
import "../chunk-XA52K7QX.js";
import "../chunk-ZIERCETT.js";
import "../chunk-QVWHMW6S.js";
import "../chunk-2MCCLBOB.js";
import "../chunk-3KHFPC5P.js";
import "../chunk-XX2QXVV5.js";
import "../chunk-WLLQFX4B.js";
import "../chunk-NR534RHR.js";
import "../chunk-KBMPOV5R.js";
import "../chunk-6NKXPVZU.js";
import "../chunk-CLQZY57A.js";
import "../chunk-A5KJPO3G.js";
import "../chunk-R6P75VNJ.js";
import "../chunk-CDQ2KRLW.js";
import "../chunk-6JEHCNW6.js";
import "../chunk-KXDMV5BO.js";
import "../chunk-RGOYJG2Y.js";
import "../chunk-KKZN6CSE.js";
import "../chunk-N2TRUS32.js";
import "../chunk-OPINGVEX.js";
import "../chunk-JUVGXVR4.js";
import "../chunk-VQISXDOC.js";
import "../chunk-TH4FY7UR.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  addVerifyCommand,
  verify
};
//# sourceMappingURL=verify.js.map
