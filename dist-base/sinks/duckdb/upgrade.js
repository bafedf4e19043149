import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  hasOldNames,
  upgradeFolders
} from "../../chunk-Q7EU2OTC.js";
import "../../chunk-XA52K7QX.js";
import "../../chunk-CLQZY57A.js";
import "../../chunk-OOJGYMCI.js";
import "../../chunk-YJDLZ72D.js";
export {
  hasOldNames,
  upgradeFolders
};
//# sourceMappingURL=upgrade.js.map
