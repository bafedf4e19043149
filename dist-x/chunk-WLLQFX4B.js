import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  MERGE_FROM
} from "./chunk-TH4FY7UR.js";
import {
  MIB,
  bytes,
  integer,
  oneOf,
  setting
} from "./chunk-XAGLG5OY.js";
import {
  object
} from "./chunk-JJ6JF4DP.js";

// src/sinks/duckdb/settings.ts
var duckdbSettings = object({
  mergeFrom: setting(
    "MERGE_FROM",
    "where DuckDB takes rows from: the batches' `parquet` files, or `arrow` buffers through memory",
    oneOf(MERGE_FROM).prefault("parquet")
  ),
  threads: setting("DUCKDB_THREADS", "threads that a statement uses", integer(1, 256).prefault("1")),
  /** Bytes. */
  memoryLimit: setting(
    "DUCKDB_MEMORY_LIMIT",
    "beyond it DuckDB drops cached blocks, then spills; a COMMIT has half as much more",
    bytes(MIB, 2 ** 50).prefault("512MB")
  )
});
var compactionSettings = object({
  /** More neighbours than this of one size class are joined; 0 turns it off. */
  afterFiles: setting(
    "COMPACT_AFTER_FILES",
    "more small neighbours than this are joined into one Parquet file; `0` turns it off",
    integer(0, 1e6).prefault("64")
  ),
  /** Bytes of a joined file, at most. */
  targetBytes: setting(
    "COMPACT_TARGET_BYTES",
    "the largest file that joining makes",
    bytes(MIB, 4096 * MIB).prefault("128MiB")
  )
});

export {
  duckdbSettings,
  compactionSettings
};
//# sourceMappingURL=chunk-WLLQFX4B.js.map
