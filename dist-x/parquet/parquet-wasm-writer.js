import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  arrowSchema,
  toIpcStream
} from "../chunk-V3EL5LOM.js";
import "../chunk-TONEWEO2.js";
import {
  MAX_ROW_GROUP_ROWS
} from "../chunk-CD75S7PK.js";
import {
  roleColumn,
  tableColumns
} from "../chunk-6JEHCNW6.js";
import "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";

// src/parquet/parquet-wasm-writer.ts
import { writeFileSync } from "node:fs";
import {
  Compression,
  EnabledStatistics,
  Encoding,
  Table,
  WriterPropertiesBuilder,
  writeParquet
} from "parquet-wasm";
var CODECS = {
  zstd: Compression.ZSTD,
  snappy: Compression.SNAPPY,
  lz4: Compression.LZ4_RAW,
  none: Compression.UNCOMPRESSED
};
var ENCODINGS = {
  utf8: Encoding.DELTA_LENGTH_BYTE_ARRAY,
  decimal18_4: void 0,
  // Sorted or nearly so: the differences are small.
  timestamp_us_utc: Encoding.DELTA_BINARY_PACKED,
  date32: Encoding.DELTA_BINARY_PACKED,
  int64: Encoding.DELTA_BINARY_PACKED,
  uint64: Encoding.DELTA_BINARY_PACKED,
  int32: Encoding.DELTA_BINARY_PACKED,
  bool: void 0
};
var MAX_DICTIONARY_BYTES = 16 << 10;
var ParquetWasmWriter = class {
  #options;
  #schema;
  constructor(options) {
    this.#options = options;
    this.#schema = arrowSchema(options.spec);
  }
  async write(recordBatches, path, metadata) {
    const properties = this.#properties(metadata);
    const table = Table.fromIPCStream(toIpcStream(this.#schema, recordBatches));
    writeFileSync(path, writeParquet(table, properties));
  }
  /** Its memory goes with the thread. */
  async close() {
  }
  /** Each call consumes the builder of the one before, and `build` the last one: nothing is left to free. */
  #properties(metadata) {
    const { compression, spec } = this.#options;
    let builder = new WriterPropertiesBuilder().setCompression(CODECS[compression]).setMaxRowGroupSize(MAX_ROW_GROUP_ROWS).setDictionaryPageSizeLimit(MAX_DICTIONARY_BYTES).setStatisticsEnabled(EnabledStatistics.Chunk).setKeyValueMetadata(new Map(metadata));
    const changeId = roleColumn(spec, "change_id")?.name;
    for (const { name, type } of tableColumns(spec)) {
      const encoding = name === changeId ? Encoding.DELTA_BYTE_ARRAY : ENCODINGS[type];
      if (encoding !== void 0) builder = builder.setColumnEncoding(name, encoding);
    }
    return builder.build();
  }
};
export {
  ParquetWasmWriter
};
//# sourceMappingURL=parquet-wasm-writer.js.map
