import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Compaction,
  planCompaction
} from "../../chunk-AWYU4VQC.js";
import "../../chunk-6FB4SQ4F.js";
import "../../chunk-372E3WHQ.js";
import "../../chunk-CD75S7PK.js";
import "../../chunk-UJUMVWN2.js";
import "../../chunk-QVZ4RX7Q.js";
import "../../chunk-BLAVQB6S.js";
import "../../chunk-XA52K7QX.js";
import "../../chunk-35ENZBND.js";
import "../../chunk-CLQZY57A.js";
import "../../chunk-OOJGYMCI.js";
import "../../chunk-YJDLZ72D.js";
export {
  Compaction,
  planCompaction
};
//# sourceMappingURL=compaction.js.map
