import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  SinkClient
} from "../../chunk-W6HOR4GN.js";
import "../../chunk-EPKFPIWO.js";
import "../../chunk-OOJGYMCI.js";
import "../../chunk-YJDLZ72D.js";
export {
  SinkClient
};
//# sourceMappingURL=sink-client.js.map
