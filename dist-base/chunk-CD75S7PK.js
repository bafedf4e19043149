import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);

// src/parquet/parquet-writer.ts
var MAX_ROW_GROUP_ROWS = 122880;

export {
  MAX_ROW_GROUP_ROWS
};
//# sourceMappingURL=chunk-CD75S7PK.js.map
