import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  copyToParquet
} from "../chunk-372E3WHQ.js";
import "../chunk-CD75S7PK.js";
import "../chunk-XA52K7QX.js";
import "../chunk-YJDLZ72D.js";
export {
  copyToParquet
};
//# sourceMappingURL=parquet-copy.js.map
