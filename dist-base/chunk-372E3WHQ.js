import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  MAX_ROW_GROUP_ROWS
} from "./chunk-CD75S7PK.js";
import {
  literal
} from "./chunk-XA52K7QX.js";

// src/parquet/parquet-copy.ts
var CODECS = {
  zstd: "COMPRESSION zstd, COMPRESSION_LEVEL 1",
  snappy: "COMPRESSION snappy",
  lz4: "COMPRESSION lz4_raw",
  none: "COMPRESSION uncompressed"
};
var MAX_DICTIONARY_VALUES = 1e3;
async function copyToParquet(connection, relation, path, { compression, metadata, rowGroupRows = MAX_ROW_GROUP_ROWS }) {
  const entries = [...metadata].map(([key, value]) => `${literal(key)}: ${literal(value)}`);
  await connection.run(
    `COPY (FROM ${relation}) TO ${literal(path)} (
       FORMAT parquet, PARQUET_VERSION v2, ${CODECS[compression]}, ROW_GROUP_SIZE ${rowGroupRows},
       DICTIONARY_SIZE_LIMIT ${MAX_DICTIONARY_VALUES}, USE_TMP_FILE false,
       KV_METADATA {${entries.join(", ")}})`
  );
}

export {
  copyToParquet
};
//# sourceMappingURL=chunk-372E3WHQ.js.map
