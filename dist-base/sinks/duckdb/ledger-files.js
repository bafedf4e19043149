import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  LEDGER_FILES,
  LEDGER_RANGES,
  compareFiles,
  ledgerFile,
  ledgerRange,
  sizeProblem
} from "../../chunk-QVZ4RX7Q.js";
import "../../chunk-BLAVQB6S.js";
import "../../chunk-CLQZY57A.js";
import "../../chunk-YJDLZ72D.js";
export {
  LEDGER_FILES,
  LEDGER_RANGES,
  compareFiles,
  ledgerFile,
  ledgerRange,
  sizeProblem
};
//# sourceMappingURL=ledger-files.js.map
