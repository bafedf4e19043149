import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  TopicGuard
} from "../chunk-3FMOWVX6.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  TopicGuard
};
//# sourceMappingURL=topic-guard.js.map
