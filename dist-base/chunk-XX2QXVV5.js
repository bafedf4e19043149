import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  setting,
  someText
} from "./chunk-XAGLG5OY.js";
import {
  object
} from "./chunk-JJ6JF4DP.js";

// src/storage/settings.ts
import { resolve } from "node:path";
var storageSettings = object({
  /** Absolute. */
  dataDir: setting(
    "DATA_DIR",
    "a local folder for Parquet files and `analytics.db`; one topic per directory",
    someText().refine(
      (folder) => !/^[a-z][a-z0-9+.-]*:\/\//i.test(folder),
      "must be a local folder, without a scheme; for object storage, copy the Parquet files there from it"
    ).transform((folder) => resolve(folder)).refine((folder) => !/[?*]/.test(folder), 'must be a path without "?" and "*": DuckDB takes them for a pattern').prefault("./data")
  )
});

export {
  storageSettings
};
//# sourceMappingURL=chunk-XX2QXVV5.js.map
