import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  namesHelp,
  variablesHelp
} from "../chunk-QVWHMW6S.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-YJDLZ72D.js";
export {
  namesHelp,
  variablesHelp
};
//# sourceMappingURL=variables-help.js.map
