import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  SluiceError,
  asSluiceError,
  assert,
  isLocked,
  isOutOfMemory,
  sinkError
} from "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  SluiceError,
  asSluiceError,
  assert,
  isLocked,
  isOutOfMemory,
  sinkError
};
//# sourceMappingURL=errors.js.map
