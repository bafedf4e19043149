import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  RETRY_PAUSES_MS,
  Sequencer
} from "../chunk-CVEPT3O2.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  RETRY_PAUSES_MS,
  Sequencer
};
//# sourceMappingURL=sequencer.js.map
