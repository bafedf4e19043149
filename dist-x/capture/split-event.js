import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  readWhole,
  splitsLargeEvents
} from "../chunk-XQATTJNJ.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  readWhole,
  splitsLargeEvents
};
//# sourceMappingURL=split-event.js.map
