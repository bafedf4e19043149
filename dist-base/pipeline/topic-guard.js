import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  TopicGuard
} from "../chunk-ZXXCDJFI.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  TopicGuard
};
//# sourceMappingURL=topic-guard.js.map
