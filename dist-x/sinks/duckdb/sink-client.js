import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  SinkClient
} from "../../chunk-OWDDFEE5.js";
import "../../chunk-EPKFPIWO.js";
import "../../chunk-YDIRAWJT.js";
import "../../chunk-YJDLZ72D.js";
export {
  SinkClient
};
//# sourceMappingURL=sink-client.js.map
