import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  FIRST,
  TYPE,
  deserialized,
  documentOf,
  endOf,
  int32,
  isNothing,
  memberOf,
  nameEnd,
  textOf,
  valueAt
} from "../chunk-C7DSCYEK.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";
export {
  FIRST,
  TYPE,
  deserialized,
  documentOf,
  endOf,
  int32,
  isNothing,
  memberOf,
  nameEnd,
  textOf,
  valueAt
};
//# sourceMappingURL=bson.js.map
