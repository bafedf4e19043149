import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  FileStaging
} from "./chunk-Z3X3PFTP.js";

// src/sinks/duckdb/staged-rows.ts
async function openStagedRows(connection, { spec, mergeFrom }, table) {
  if (mergeFrom === "parquet") return new FileStaging();
  const { ArrowStaging } = await import("./sinks/duckdb/staging.js");
  const staging = new ArrowStaging(connection, spec, "staging", table);
  await staging.clear();
  return staging;
}

export {
  openStagedRows
};
//# sourceMappingURL=chunk-SKOW2O6Y.js.map
