import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  CapturedCollection,
  READ_TIMEOUT_MS,
  idOf,
  timeAfter
} from "../chunk-6HJ324J6.js";
import "../chunk-NS7YMOSL.js";
import "../chunk-SC3AT35C.js";
import "../chunk-TFZU5VFI.js";
import "../chunk-R4PP75HT.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  CapturedCollection,
  READ_TIMEOUT_MS,
  idOf,
  timeAfter
};
//# sourceMappingURL=collection.js.map
