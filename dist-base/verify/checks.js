import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  checks
} from "../chunk-2KC2HGLH.js";
import "../chunk-LO7CBCK4.js";
import "../chunk-WIYZIOAD.js";
import "../chunk-TTAWQF2C.js";
import "../chunk-QM55ITZM.js";
import "../chunk-KJC4RAC6.js";
import "../chunk-UGEQL673.js";
import "../chunk-DWRPAFQN.js";
import "../chunk-OE7B3VBQ.js";
import "../chunk-DGXFOAQC.js";
import "../chunk-GJN24UZD.js";
import "../chunk-QVZ4RX7Q.js";
import "../chunk-BLAVQB6S.js";
import "../chunk-RXQEFNT4.js";
import "../chunk-XA52K7QX.js";
import "../chunk-ZIERCETT.js";
import "../chunk-CLQZY57A.js";
import "../chunk-6JEHCNW6.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  checks
};
//# sourceMappingURL=checks.js.map
