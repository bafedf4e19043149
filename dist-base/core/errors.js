import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  ERROR_CODES,
  SluiceError,
  asSluiceError,
  assert,
  isLocked,
  isOutOfMemory,
  sinkError
} from "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  ERROR_CODES,
  SluiceError,
  asSluiceError,
  assert,
  isLocked,
  isOutOfMemory,
  sinkError
};
//# sourceMappingURL=errors.js.map
