import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  consumerProperties
} from "../chunk-BL3W4XIE.js";
import "../chunk-YJDLZ72D.js";
export {
  consumerProperties
};
//# sourceMappingURL=kafka-properties.js.map
