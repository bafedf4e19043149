import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  reportProgress
} from "../chunk-VIOANQAD.js";
import "../chunk-YJDLZ72D.js";
export {
  reportProgress
};
//# sourceMappingURL=progress.js.map
