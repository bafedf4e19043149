import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  schemaSettings
} from "../chunk-JPEX5SPN.js";
import "../chunk-DGTVI5YT.js";
import "../chunk-6NKXPVZU.js";
import "../chunk-CLQZY57A.js";
import "../chunk-6JEHCNW6.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  schemaSettings
};
//# sourceMappingURL=settings.js.map
