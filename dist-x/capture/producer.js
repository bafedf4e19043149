import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  TRANSACTION_TIMEOUT_MS,
  TransactionalProducer
} from "../chunk-EXA2PQRX.js";
import "../chunk-KKZN6CSE.js";
import "../chunk-N2TRUS32.js";
import "../chunk-OPINGVEX.js";
import "../chunk-JUVGXVR4.js";
import "../chunk-VQISXDOC.js";
import "../chunk-TH4FY7UR.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  TRANSACTION_TIMEOUT_MS,
  TransactionalProducer
};
//# sourceMappingURL=producer.js.map
