import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  drawTable
} from "../chunk-53IJUODJ.js";
import "../chunk-YJDLZ72D.js";
export {
  drawTable
};
//# sourceMappingURL=text-table.js.map
