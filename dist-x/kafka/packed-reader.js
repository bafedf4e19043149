import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  NATIVE_METHOD,
  PackedReader
} from "../chunk-D6KRNQUS.js";
import "../chunk-YJDLZ72D.js";
export {
  NATIVE_METHOD,
  PackedReader
};
//# sourceMappingURL=packed-reader.js.map
