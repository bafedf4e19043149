import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  clearStaging,
  combineReceipts,
  filesOf,
  publishGroup,
  writeError,
  writeGroup
} from "../../chunk-4MCGYZ4L.js";
import "../../chunk-RDMFBE6V.js";
import "../../chunk-UJUMVWN2.js";
import "../../chunk-4RXNSG7Q.js";
import "../../chunk-MGXMPSQE.js";
import "../../chunk-QVZ4RX7Q.js";
import "../../chunk-BLAVQB6S.js";
import "../../chunk-XA52K7QX.js";
import "../../chunk-35ENZBND.js";
import "../../chunk-ZIERCETT.js";
import "../../chunk-CLQZY57A.js";
import "../../chunk-OOJGYMCI.js";
import "../../chunk-YJDLZ72D.js";
export {
  clearStaging,
  combineReceipts,
  filesOf,
  publishGroup,
  writeError,
  writeGroup
};
//# sourceMappingURL=group-transaction.js.map
