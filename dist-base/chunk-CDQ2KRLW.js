import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  oneOf,
  setting
} from "./chunk-XAGLG5OY.js";
import {
  object
} from "./chunk-JJ6JF4DP.js";

// src/parquet/settings.ts
var parquetSettings = object({
  parquetWriter: setting(
    "PARQUET_WRITER",
    "what workers write Parquet files with, `duckdb` or `parquet-wasm`; each start may use another",
    oneOf(["duckdb", "parquet-wasm"]).prefault("duckdb")
  ),
  compression: setting(
    "PARQUET_COMPRESSION",
    "`zstd`, `snappy`, `lz4` or `none`",
    oneOf(["zstd", "snappy", "lz4", "none"]).prefault("zstd")
  )
});

export {
  parquetSettings
};
//# sourceMappingURL=chunk-CDQ2KRLW.js.map
