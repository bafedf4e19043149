import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Partition,
  Partitions
} from "../chunk-2SIBP4NS.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  Partition,
  Partitions
};
//# sourceMappingURL=partition.js.map
