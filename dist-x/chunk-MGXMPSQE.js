import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/core/event-time.ts
var AHEAD_MS = 6e5;

export {
  AHEAD_MS
};
//# sourceMappingURL=chunk-MGXMPSQE.js.map
