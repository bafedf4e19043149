import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  readJournal,
  removeJournal,
  writeJournal
} from "../../chunk-BLAVQB6S.js";
import "../../chunk-CLQZY57A.js";
import "../../chunk-YJDLZ72D.js";
export {
  readJournal,
  removeJournal,
  writeJournal
};
//# sourceMappingURL=commit-journal.js.map
