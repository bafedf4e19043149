import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  BACKLOG_INTERVALS,
  Batcher
} from "../chunk-XSRZ6ILZ.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  BACKLOG_INTERVALS,
  Batcher
};
//# sourceMappingURL=batcher.js.map
