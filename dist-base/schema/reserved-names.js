import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  reservedBecause
} from "../chunk-6NKXPVZU.js";
import "../chunk-CLQZY57A.js";
import "../chunk-6JEHCNW6.js";
import "../chunk-YJDLZ72D.js";
export {
  reservedBecause
};
//# sourceMappingURL=reserved-names.js.map
