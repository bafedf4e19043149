import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  MIB,
  bytes,
  integer,
  setting
} from "./chunk-XAGLG5OY.js";
import {
  object
} from "./chunk-JJ6JF4DP.js";

// src/pipeline/settings.ts
var pipelineSettings = object({
  batchRows: setting("BATCH_ROWS", "a batch closes at this many messages \u2026", integer(1, 1e6).prefault("32768")),
  batchBytes: setting(
    "BATCH_BYTES",
    "\u2026 or this many bytes of values, whichever comes first; one larger message is a batch of its own",
    bytes(1, 256 * MIB).prefault("32MiB")
  ),
  flushIntervalMs: setting(
    "FLUSH_INTERVAL_MS",
    "a partial batch closes after this long",
    integer(1, 36e5).prefault("250")
  ),
  commitRows: setting(
    "COMMIT_ROWS",
    "rows of a transaction under backlog: more than a DuckDB row group",
    integer(1, 1e7).prefault("163840")
  ),
  bufferBytes: setting(
    "BUFFER_BYTES",
    "all chunks together: the bound of what is in flight",
    bytes(4 * MIB, 64 * 1024 * MIB).prefault("256MiB")
  )
});

export {
  pipelineSettings
};
//# sourceMappingURL=chunk-A5KJPO3G.js.map
