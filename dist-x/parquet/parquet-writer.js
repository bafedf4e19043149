import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  MAX_ROW_GROUP_ROWS
} from "../chunk-CD75S7PK.js";
import "../chunk-YJDLZ72D.js";
export {
  MAX_ROW_GROUP_ROWS
};
//# sourceMappingURL=parquet-writer.js.map
