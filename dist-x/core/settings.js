import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  MIB,
  bytes,
  integer,
  oneOf,
  setting,
  settingTexts,
  someText,
  text,
  variablesOf
} from "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-YJDLZ72D.js";
export {
  MIB,
  bytes,
  integer,
  oneOf,
  setting,
  settingTexts,
  someText,
  text,
  variablesOf
};
//# sourceMappingURL=settings.js.map
