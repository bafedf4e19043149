import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  changeMessage,
  isDocumentChange,
  lacksDocument,
  markerMessage,
  oversizeMessage,
  snapshotMessage
} from "../chunk-HMEGJFLA.js";
import "../chunk-Y3JUF4HW.js";
import "../chunk-ZSIUQ3Z2.js";
import "../chunk-WDMEDPAW.js";
import "../chunk-C7DSCYEK.js";
import "../chunk-YDIRAWJT.js";
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
