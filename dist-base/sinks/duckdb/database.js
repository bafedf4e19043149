import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  STORAGE_VERSION,
  createDatabase,
  openDatabase,
  removeUnfinishedDatabases
} from "../../chunk-UFHYT4J4.js";
import "../../chunk-ZIERCETT.js";
import "../../chunk-CLQZY57A.js";
import "../../chunk-OOJGYMCI.js";
import "../../chunk-YJDLZ72D.js";
export {
  STORAGE_VERSION,
  createDatabase,
  openDatabase,
  removeUnfinishedDatabases
};
//# sourceMappingURL=database.js.map
