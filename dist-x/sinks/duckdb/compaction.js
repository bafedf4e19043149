import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Compaction,
  planCompaction
} from "../../chunk-C47FRX3B.js";
import "../../chunk-S7WSWR6X.js";
import "../../chunk-372E3WHQ.js";
import "../../chunk-CD75S7PK.js";
import "../../chunk-NNPZDQ3O.js";
import "../../chunk-QVZ4RX7Q.js";
import "../../chunk-BLAVQB6S.js";
import "../../chunk-XA52K7QX.js";
import "../../chunk-35ENZBND.js";
import "../../chunk-CLQZY57A.js";
import "../../chunk-YDIRAWJT.js";
import "../../chunk-YJDLZ72D.js";
export {
  Compaction,
  planCompaction
};
//# sourceMappingURL=compaction.js.map
