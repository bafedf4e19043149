import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  ClientLog
} from "../chunk-KKZN6CSE.js";
import "../chunk-YJDLZ72D.js";
export {
  ClientLog
};
//# sourceMappingURL=client-log.js.map
