import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  QueryServer,
  queryAddress,
  querySocketPath
} from "../chunk-UGEQL673.js";
import "../chunk-DWRPAFQN.js";
import "../chunk-OE7B3VBQ.js";
import "../chunk-DGXFOAQC.js";
import "../chunk-GJN24UZD.js";
import "../chunk-RXQEFNT4.js";
import "../chunk-XA52K7QX.js";
import "../chunk-ZIERCETT.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  QueryServer,
  queryAddress,
  querySocketPath
};
//# sourceMappingURL=query-server.js.map
