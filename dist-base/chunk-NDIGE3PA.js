import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/core/source.ts
var READER_KINDS = ["packed", "stock"];

export {
  READER_KINDS
};
//# sourceMappingURL=chunk-NDIGE3PA.js.map
