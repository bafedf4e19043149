import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  PARTITION_KEY
} from "./chunk-CLQZY57A.js";
import {
  DERIVED_COLUMNS
} from "./chunk-6JEHCNW6.js";

// src/schema/reserved-names.ts
var REASONS = new Map([
  ...DERIVED_COLUMNS.map((name) => [name, "Sluice adds a column of this name"]),
  [PARTITION_KEY, "readers take it from the folders of the Parquet files"],
  ...["filename", "file_row_number", "file_index", "rowid"].map(
    (name) => [name, "DuckDB has a column of its own of this name for each file or table"]
  ),
  ["_metadata", "Spark has a column of its own of this name for each file"],
  ...["null", "true", "false"].map((name) => [name, "SQL takes it for the constant"])
]);
var PREFIX = "__";
function reservedBecause(name) {
  return name.startsWith(PREFIX) ? `pyarrow and pandas keep names with ${PREFIX} for themselves` : REASONS.get(name);
}

export {
  reservedBecause
};
//# sourceMappingURL=chunk-6NKXPVZU.js.map
