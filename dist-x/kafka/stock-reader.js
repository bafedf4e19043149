import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  StockReader
} from "../chunk-NPKNDGT4.js";
import "../chunk-TBKYUH34.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  StockReader
};
//# sourceMappingURL=stock-reader.js.map
