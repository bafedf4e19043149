import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  addRunCommand,
  run
} from "../chunk-QNIYZHS5.js";
import "../chunk-FVXBLJDH.js";
import "../chunk-OWDDFEE5.js";
import "../chunk-C6QT633G.js";
import "../chunk-CVEPT3O2.js";
import "../chunk-5VG53R7G.js";
import "../chunk-NWO6NEV3.js";
import "../chunk-GH37DZBD.js";
import "../chunk-3FMOWVX6.js";
import "../chunk-XSRZ6ILZ.js";
import "../chunk-G6COJDPL.js";
import "../chunk-EEIWH2RV.js";
import "../chunk-2SIBP4NS.js";
import "../chunk-AJUKBJ3N.js";
import "../chunk-VWYUMNQS.js";
import "../chunk-LYO2UG6Y.js";
import "../chunk-4W42LGX5.js";
import "../chunk-DXQNZRMA.js";
import "../chunk-T7MP2WJJ.js";
import "../chunk-BL3W4XIE.js";
import "../chunk-22VZ2FJV.js";
import "../chunk-NPKNDGT4.js";
import "../chunk-TBKYUH34.js";
import "../chunk-D6KRNQUS.js";
import "../chunk-OYH4WVCP.js";
import "../chunk-3HZOQQLY.js";
import "../chunk-KL3522I4.js";
import "../chunk-35ENZBND.js";
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
import "../chunk-54DXXXXG.js";
import "../chunk-RGOYJG2Y.js";
import "../chunk-EPKFPIWO.js";
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
  addRunCommand,
  run
};
//# sourceMappingURL=run.js.map
