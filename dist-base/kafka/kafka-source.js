import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  KafkaSource
} from "../chunk-LGQWCH7A.js";
import "../chunk-BL3W4XIE.js";
import "../chunk-QEBGBBCI.js";
import "../chunk-WR3QQRH3.js";
import "../chunk-PIEFKR7I.js";
import "../chunk-XC7MPS2P.js";
import "../chunk-D6KRNQUS.js";
import "../chunk-KKZN6CSE.js";
import "../chunk-OH6I472K.js";
import "../chunk-MWQGDSM6.js";
import "../chunk-TVFHEO26.js";
import "../chunk-NDIGE3PA.js";
import "../chunk-TH4FY7UR.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  KafkaSource
};
//# sourceMappingURL=kafka-source.js.map
