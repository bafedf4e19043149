import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  STORAGE_VERSION,
  createDatabase,
  openDatabase,
  removeUnfinishedDatabases
} from "../../chunk-DD43SIRQ.js";
import "../../chunk-ZIERCETT.js";
import "../../chunk-CLQZY57A.js";
import "../../chunk-YDIRAWJT.js";
import "../../chunk-YJDLZ72D.js";
export {
  STORAGE_VERSION,
  createDatabase,
  openDatabase,
  removeUnfinishedDatabases
};
//# sourceMappingURL=database.js.map
