import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  installedAddon
} from "../chunk-BGJWJGZR.js";
import "../chunk-D6KRNQUS.js";
import "../chunk-YJDLZ72D.js";
export {
  installedAddon
};
//# sourceMappingURL=addon.js.map
