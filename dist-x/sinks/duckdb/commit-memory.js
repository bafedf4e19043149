import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  CommitMemory
} from "../../chunk-Z5CZQKGQ.js";
import "../../chunk-XA52K7QX.js";
import "../../chunk-YDIRAWJT.js";
import "../../chunk-YJDLZ72D.js";
export {
  CommitMemory
};
//# sourceMappingURL=commit-memory.js.map
