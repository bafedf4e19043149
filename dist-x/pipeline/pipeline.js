import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Pipeline
} from "../chunk-C6QT633G.js";
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
import "../chunk-TBKYUH34.js";
import "../chunk-35ENZBND.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  Pipeline
};
//# sourceMappingURL=pipeline.js.map
