import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Output,
  OutputClosed
} from "../chunk-T7IYCPPT.js";
import "../chunk-OOJGYMCI.js";
import "../chunk-YJDLZ72D.js";
export {
  Output,
  OutputClosed
};
//# sourceMappingURL=output.js.map
