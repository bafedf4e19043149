import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  MAX_MEMORY_BYTES,
  PAGE_BYTES,
  memoryMap,
  writeIssueBits,
  writeTables
} from "../chunk-MYUHKRCP.js";
import "../chunk-TLNNE6W3.js";
import "../chunk-MDWEB32Y.js";
import "../chunk-WTTS74JV.js";
import "../chunk-KYH7TSYC.js";
import "../chunk-6JEHCNW6.js";
import "../chunk-YJDLZ72D.js";
export {
  MAX_MEMORY_BYTES,
  PAGE_BYTES,
  memoryMap,
  writeIssueBits,
  writeTables
};
//# sourceMappingURL=memory-map.js.map
