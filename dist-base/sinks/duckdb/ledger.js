import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  insertPositions,
  movePositions,
  readIdentity,
  readLedgerState,
  readPositions,
  writeGaps,
  writeIdentity,
  writeLedger,
  writeQuarantine
} from "../../chunk-4RXNSG7Q.js";
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
  insertPositions,
  movePositions,
  readIdentity,
  readLedgerState,
  readPositions,
  writeGaps,
  writeIdentity,
  writeLedger,
  writeQuarantine
};
//# sourceMappingURL=ledger.js.map
