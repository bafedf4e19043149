import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  classify,
  connectError,
  isTransient,
  readError
} from "../chunk-OPINGVEX.js";
import "../chunk-JUVGXVR4.js";
import "../chunk-VQISXDOC.js";
import "../chunk-TH4FY7UR.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  classify,
  connectError,
  isTransient,
  readError
};
//# sourceMappingURL=kafka-errors.js.map
