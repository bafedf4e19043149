import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  sampleEvents
} from "../chunk-PTL6NYNQ.js";
import "../chunk-YJDLZ72D.js";
export {
  sampleEvents
};
//# sourceMappingURL=sample-events.js.map
