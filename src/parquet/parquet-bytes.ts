/** Arrow → the bytes of a Parquet file, by parquet-wasm: in Node, and in a browser that has loaded its WebAssembly. */
import type { RecordBatch, Schema } from 'apache-arrow';
import {
  Compression,
  EnabledStatistics,
  Encoding,
  Table,
  type WriterProperties,
  WriterPropertiesBuilder,
  writeParquet,
} from 'parquet-wasm';
import { toIpcStream } from '../schema/arrow.js';
import { type ColumnType, roleColumn, type TableSpec, tableColumns } from '../schema/spec.js';
import type { ParquetCompression } from './parquet-writer.js';
import { rowGroupRows, runOf } from './row-groups.js';

/** The library's level of zstd is 1. */
const CODECS: Record<ParquetCompression, Compression> = {
  zstd: Compression.ZSTD,
  snappy: Compression.SNAPPY,
  lz4: Compression.LZ4_RAW,
  none: Compression.UNCOMPRESSED,
};

/** What a column is encoded with once its dictionary is full; undefined leaves it plain. */
const ENCODINGS: Record<ColumnType, Encoding | undefined> = {
  utf8: Encoding.DELTA_LENGTH_BYTE_ARRAY,
  decimal: undefined,
  // Sorted or nearly so: the differences are small.
  timestamp_us_utc: Encoding.DELTA_BINARY_PACKED,
  date32: Encoding.DELTA_BINARY_PACKED,
  int64: Encoding.DELTA_BINARY_PACKED,
  uint64: Encoding.DELTA_BINARY_PACKED,
  int32: Encoding.DELTA_BINARY_PACKED,
  double: undefined,
  bool: undefined,
  uuid: undefined,
  binary: Encoding.DELTA_LENGTH_BYTE_ARRAY,
};

/**
 * A column whose dictionary outgrows this continues without one: about 1,000 short texts. With the library's default of
 * 1 MiB, ids and other columns of many values would have one, and files would be a third larger.
 */
const MAX_DICTIONARY_BYTES = 16 << 10;

export interface ParquetBytesOptions {
  readonly spec: TableSpec;
  readonly compression: ParquetCompression;
  /** At least one entry. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * A whole file.
 * @param schema of all record batches: that of the spec, or some of its columns
 * @param recordBatches at least one row
 * @throws the error of the library
 */
export function parquetBytes(
  schema: Schema,
  recordBatches: readonly RecordBatch[],
  options: ParquetBytesOptions,
): Uint8Array {
  const properties = writerProperties(options, rowGroupRows(recordBatches.map(runOf)));
  const table = Table.fromIPCStream(toIpcStream(schema, recordBatches));
  // Frees both.
  return writeParquet(table, properties);
}

/** Each call consumes the builder of the one before, and `build` the last one: nothing is left to free. */
function writerProperties({ spec, compression, metadata }: ParquetBytesOptions, groupRows: number): WriterProperties {
  let builder = new WriterPropertiesBuilder()
    .setCompression(CODECS[compression])
    .setMaxRowGroupSize(groupRows)
    .setDictionaryPageSizeLimit(MAX_DICTIONARY_BYTES)
    .setStatisticsEnabled(EnabledStatistics.Chunk)
    .setKeyValueMetadata(new Map(metadata));
  const changeId = roleColumn(spec, 'change_id')?.name;
  for (const { name, type } of tableColumns(spec)) {
    // Ids that follow each other begin alike.
    const encoding = name === changeId ? Encoding.DELTA_BYTE_ARRAY : ENCODINGS[type];
    if (encoding !== undefined) builder = builder.setColumnEncoding(name, encoding);
  }
  return builder.build();
}
