import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  DataChunks
} from "../chunk-7KDQR242.js";
import "../chunk-KYH7TSYC.js";
import "../chunk-ZIERCETT.js";
import "../chunk-6JEHCNW6.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  DataChunks
};
//# sourceMappingURL=data-chunks.js.map
