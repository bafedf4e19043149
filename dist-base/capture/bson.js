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
} from "../chunk-SC3AT35C.js";
import "../chunk-OOJGYMCI.js";
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
