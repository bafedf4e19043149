/**
 * Arrow → Parquet by parquet-wasm, the Rust libraries arrow and parquet as WebAssembly: no native code in the worker.
 *
 *   kernel's memory ─IPC stream─▶ parquet-wasm's memory ─encode─▶ file as bytes ─▶ disk
 *
 * That memory never shrinks: it is as large as the largest batch needed, for each worker.
 */
import { writeFileSync } from 'node:fs';
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
import { arrowSchema, toIpcStream } from '../schema/arrow.js';
import { type ColumnType, roleColumn, type TableSpec, tableColumns } from '../schema/spec.js';
import type { ParquetCompression, ParquetWriter } from './parquet-writer.js';
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
  decimal18_4: undefined,
  // Sorted or nearly so: the differences are small.
  timestamp_us_utc: Encoding.DELTA_BINARY_PACKED,
  date32: Encoding.DELTA_BINARY_PACKED,
  int64: Encoding.DELTA_BINARY_PACKED,
  uint64: Encoding.DELTA_BINARY_PACKED,
  int32: Encoding.DELTA_BINARY_PACKED,
  bool: undefined,
};

/**
 * A column whose dictionary outgrows this continues without one: about 1,000 short texts. With the library's default of
 * 1 MiB, ids and other columns of many values would have one, and files would be a third larger.
 */
const MAX_DICTIONARY_BYTES = 16 << 10;

export interface ParquetWasmWriterOptions {
  readonly compression: ParquetCompression;
  readonly spec: TableSpec;
}

/** PARQUET_WRITER=parquet-wasm */
export class ParquetWasmWriter implements ParquetWriter {
  readonly #options: ParquetWasmWriterOptions;
  readonly #schema: Schema;

  constructor(options: ParquetWasmWriterOptions) {
    this.#options = options;
    this.#schema = arrowSchema(options.spec);
  }

  async write(recordBatches: readonly RecordBatch[], path: string, metadata: ReadonlyMap<string, string>) {
    const properties = this.#properties(metadata, rowGroupRows(recordBatches.map(runOf)));
    const table = Table.fromIPCStream(toIpcStream(this.#schema, recordBatches));
    // Frees both.
    writeFileSync(path, writeParquet(table, properties));
  }

  /** Its memory goes with the thread. */
  async bytesOf(path: string): Promise<number> {
    throw new Error(`${path} is not a file`);
  }

  async close(): Promise<void> {}

  /** Each call consumes the builder of the one before, and `build` the last one: nothing is left to free. */
  #properties(metadata: ReadonlyMap<string, string>, groupRows: number): WriterProperties {
    const { compression, spec } = this.#options;
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
}
