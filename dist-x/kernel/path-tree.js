import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  keyTableBytes,
  pathTree,
  writeTree
} from "../chunk-MDWEB32Y.js";
import "../chunk-WTTS74JV.js";
import "../chunk-YJDLZ72D.js";
export {
  keyTableBytes,
  pathTree,
  writeTree
};
//# sourceMappingURL=path-tree.js.map
