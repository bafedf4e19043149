import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/assets.ts
var KERNEL_WASM = {
  release: new URL("../build/kernel.wasm", import.meta.url),
  debug: new URL("../build/kernel.debug.wasm", import.meta.url)
};
var WORKER_THREAD = new URL("./worker/worker.js", import.meta.url);
var SINK_THREAD = new URL("./sinks/duckdb/sink-thread.js", import.meta.url);
var PACKAGE_JSON = new URL("../package.json", import.meta.url);

export {
  KERNEL_WASM,
  WORKER_THREAD,
  SINK_THREAD,
  PACKAGE_JSON
};
//# sourceMappingURL=chunk-EPKFPIWO.js.map
