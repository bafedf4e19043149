import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  mostRows,
  parquet,
  takeInventory
} from "../../chunk-HKUVROYJ.js";
import "../../chunk-BLAVQB6S.js";
import "../../chunk-XA52K7QX.js";
import "../../chunk-35ENZBND.js";
import "../../chunk-CLQZY57A.js";
import "../../chunk-TH4FY7UR.js";
import "../../chunk-YDIRAWJT.js";
import "../../chunk-YJDLZ72D.js";
export {
  mostRows,
  parquet,
  takeInventory
};
//# sourceMappingURL=file-inventory.js.map
