import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  readWhole,
  splitsLargeEvents
} from "../chunk-TFZU5VFI.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  readWhole,
  splitsLargeEvents
};
//# sourceMappingURL=split-event.js.map
