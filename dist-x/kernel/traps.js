import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  KernelTrap,
  MAX_TRAPPING,
  trappingMessages,
  without
} from "../chunk-BRZXHCDZ.js";
import "../chunk-YJDLZ72D.js";
export {
  KernelTrap,
  MAX_TRAPPING,
  trappingMessages,
  without
};
//# sourceMappingURL=traps.js.map
