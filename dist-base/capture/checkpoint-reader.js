import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  CheckpointReader
} from "../chunk-NJMXBEVA.js";
import "../chunk-OH6I472K.js";
import "../chunk-MWQGDSM6.js";
import "../chunk-TVFHEO26.js";
import "../chunk-NDIGE3PA.js";
import "../chunk-TH4FY7UR.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-FVICLPMY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  CheckpointReader
};
//# sourceMappingURL=checkpoint-reader.js.map
