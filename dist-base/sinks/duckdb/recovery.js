import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  makeFolders,
  publish,
  reconcileFiles,
  refuseDamage,
  refuseOrphans,
  removeUncounted,
  withdraw
} from "../../chunk-UJUMVWN2.js";
import "../../chunk-QVZ4RX7Q.js";
import "../../chunk-BLAVQB6S.js";
import "../../chunk-CLQZY57A.js";
import "../../chunk-OOJGYMCI.js";
import "../../chunk-YJDLZ72D.js";
export {
  makeFolders,
  publish,
  reconcileFiles,
  refuseDamage,
  refuseOrphans,
  removeUncounted,
  withdraw
};
//# sourceMappingURL=recovery.js.map
