import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  literal
} from "./chunk-XA52K7QX.js";

// src/sinks/duckdb/file-staging.ts
var FileStaging = class {
  relation(batches) {
    const paths = batches.flatMap(({ file }) => file === void 0 ? [] : [literal(file.tempPath)]);
    return `read_parquet([${paths.join(", ")}], hive_partitioning = false)`;
  }
  async append() {
  }
  flush() {
  }
  async clear() {
  }
};

export {
  FileStaging
};
//# sourceMappingURL=chunk-Z3X3PFTP.js.map
