import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  KafkaSource
} from "../chunk-4W42LGX5.js";
import "../chunk-DXQNZRMA.js";
import "../chunk-T7MP2WJJ.js";
import "../chunk-BL3W4XIE.js";
import "../chunk-22VZ2FJV.js";
import "../chunk-NPKNDGT4.js";
import "../chunk-TBKYUH34.js";
import "../chunk-D6KRNQUS.js";
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
  KafkaSource
};
//# sourceMappingURL=kafka-source.js.map
