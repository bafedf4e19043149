import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  DuckDbSink
} from "../../chunk-IZVTVM3I.js";
import "../../chunk-TKDQ5UWZ.js";
import "../../chunk-SKOW2O6Y.js";
import "../../chunk-Z3X3PFTP.js";
import "../../chunk-UIHXB3BA.js";
import "../../chunk-ZJBAB5BW.js";
import "../../chunk-Z5CZQKGQ.js";
import "../../chunk-C47FRX3B.js";
import "../../chunk-S7WSWR6X.js";
import "../../chunk-372E3WHQ.js";
import "../../chunk-CD75S7PK.js";
import "../../chunk-LDVDKCHS.js";
import "../../chunk-NNPZDQ3O.js";
import "../../chunk-LOGFUWOU.js";
import "../../chunk-DD43SIRQ.js";
import "../../chunk-6VYFZIUW.js";
import "../../chunk-MPPZZGPY.js";
import "../../chunk-MGXMPSQE.js";
import "../../chunk-QVZ4RX7Q.js";
import "../../chunk-BLAVQB6S.js";
import "../../chunk-EBS55YID.js";
import "../../chunk-XA52K7QX.js";
import "../../chunk-35ENZBND.js";
import "../../chunk-ZIERCETT.js";
import "../../chunk-CLQZY57A.js";
import "../../chunk-6JEHCNW6.js";
import "../../chunk-Y3JUF4HW.js";
import "../../chunk-YDIRAWJT.js";
import "../../chunk-YJDLZ72D.js";
export {
  DuckDbSink
};
//# sourceMappingURL=sink.js.map
