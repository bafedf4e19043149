import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  StockReader
} from "../chunk-QEBGBBCI.js";
import "../chunk-XC7MPS2P.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  StockReader
};
//# sourceMappingURL=stock-reader.js.map
