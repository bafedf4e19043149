import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Capture
} from "../chunk-3FEEDKR5.js";
import "../chunk-BW2NHP6B.js";
import "../chunk-6HJ324J6.js";
import "../chunk-TEA7FTBU.js";
import "../chunk-Y3JUF4HW.js";
import "../chunk-64UPU5I7.js";
import "../chunk-SYKV6E3L.js";
import "../chunk-NS7YMOSL.js";
import "../chunk-SC3AT35C.js";
import "../chunk-TFZU5VFI.js";
import "../chunk-R4PP75HT.js";
import "../chunk-FVICLPMY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  Capture
};
//# sourceMappingURL=capture.js.map
