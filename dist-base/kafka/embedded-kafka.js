import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  EmbeddedKafka
} from "../chunk-UMQ7REQZ.js";
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
  EmbeddedKafka
};
//# sourceMappingURL=embedded-kafka.js.map
