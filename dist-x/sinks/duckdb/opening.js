import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  openDirectory
} from "../../chunk-TKDQ5UWZ.js";
import "../../chunk-LDVDKCHS.js";
import "../../chunk-NNPZDQ3O.js";
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
import "../../chunk-YDIRAWJT.js";
import "../../chunk-YJDLZ72D.js";
export {
  openDirectory
};
//# sourceMappingURL=opening.js.map
