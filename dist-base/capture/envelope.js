import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  changeMessage,
  isDocumentChange,
  lacksDocument,
  markerMessage,
  oversizeMessage,
  snapshotMessage
} from "../chunk-TEA7FTBU.js";
import "../chunk-Y3JUF4HW.js";
import "../chunk-64UPU5I7.js";
import "../chunk-SYKV6E3L.js";
import "../chunk-SC3AT35C.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  changeMessage,
  isDocumentChange,
  lacksDocument,
  markerMessage,
  oversizeMessage,
  snapshotMessage
};
//# sourceMappingURL=envelope.js.map
