import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  READER_KINDS
} from "../chunk-VQISXDOC.js";
import "../chunk-YJDLZ72D.js";
export {
  READER_KINDS
};
//# sourceMappingURL=source.js.map
