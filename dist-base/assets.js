import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  KERNEL_WASM,
  PACKAGE_JSON,
  SINK_THREAD,
  WORKER_THREAD
} from "./chunk-EPKFPIWO.js";
import "./chunk-YJDLZ72D.js";
export {
  KERNEL_WASM,
  PACKAGE_JSON,
  SINK_THREAD,
  WORKER_THREAD
};
//# sourceMappingURL=assets.js.map
