import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  rebuild
} from "../../chunk-GWX254SV.js";
import "../../chunk-UK3OWATL.js";
import "../../chunk-HKUVROYJ.js";
import "../../chunk-XNFJFQDM.js";
import "../../chunk-LOGFUWOU.js";
import "../../chunk-DD43SIRQ.js";
import "../../chunk-6VYFZIUW.js";
import "../../chunk-MPPZZGPY.js";
import "../../chunk-MGXMPSQE.js";
import "../../chunk-QVZ4RX7Q.js";
import "../../chunk-BLAVQB6S.js";
import "../../chunk-XA52K7QX.js";
import "../../chunk-35ENZBND.js";
import "../../chunk-ZIERCETT.js";
import "../../chunk-CLQZY57A.js";
import "../../chunk-6JEHCNW6.js";
import "../../chunk-Y3JUF4HW.js";
import "../../chunk-TH4FY7UR.js";
import "../../chunk-YDIRAWJT.js";
import "../../chunk-YJDLZ72D.js";
export {
  rebuild
};
//# sourceMappingURL=rebuild.js.map
