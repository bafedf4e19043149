/**
 * Arrow → durable Parquet file.
 *
 * A file is written beside its final place under a temporary name and fsynced; the merge renames it just before the
 * transaction that makes it count.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  Compression,
  Encoding,
  Table,
  type WriterProperties,
  WriterPropertiesBuilder,
  writeParquet,
} from 'parquet-wasm';
import { temporaryPath } from './data-dir.js';
import { asSluiceError } from './errors.js';
import type { ParquetFile } from './flow.js';
import { type ColumnType, roleColumn, type TableSpec, tableColumns } from './spec.js';

const COMPRESSIONS = {
  zstd: Compression.ZSTD,
  snappy: Compression.SNAPPY,
  lz4: Compression.LZ4_RAW,
  none: Compression.UNCOMPRESSED,
} as const;

export type ParquetCompression = keyof typeof COMPRESSIONS;

/** One batch is one row group, so this only has to be above the largest BATCH_ROWS. */
const MAX_ROW_GROUP_ROWS = 1 << 20;

/** Sorted or nearly so, or a fixed prefix: the differences are small, and zstd has less to work on. */
const NUMBER_TYPES: ReadonlySet<ColumnType> = new Set(['timestamp_us_utc', 'int64', 'uint64']);

/**
 * Columns with few distinct values, where a dictionary costs less than the bytes that it saves. Text columns that are
 * not an id, a key or free text cannot be told from the spec alone, so the kind and the usual names decide.
 */
const DICTIONARY_COLUMNS = new Set(['operation', 'currency', 'status', 'kafka_partition', 'issues']);

export interface ParquetOptions {
  readonly compression: ParquetCompression;
  readonly spec: TableSpec;
}

/** Writes the Parquet files of one worker. */
export class ParquetFiles {
  readonly #compression: ParquetCompression;
  readonly #dictionaryColumns: string[];
  readonly #encodings: (readonly [column: string, encoding: Encoding])[] = [];

  constructor(options: ParquetOptions) {
    this.#compression = options.compression;
    const operation = roleColumn(options.spec, 'operation')?.name;
    this.#dictionaryColumns = [...DICTIONARY_COLUMNS, ...(operation === undefined ? [] : [operation])];
    const changeId = roleColumn(options.spec, 'change_id')?.name;
    for (const { name, type } of tableColumns(options.spec)) {
      if (this.#dictionaryColumns.includes(name)) continue;
      if (name === changeId) this.#encodings.push([name, Encoding.DELTA_BYTE_ARRAY]);
      else if (type === 'utf8') this.#encodings.push([name, Encoding.DELTA_LENGTH_BYTE_ARRAY]);
      else if (NUMBER_TYPES.has(type)) this.#encodings.push([name, Encoding.DELTA_BINARY_PACKED]);
    }
  }

  /**
   * Encodes an Arrow IPC stream and writes it under the temporary name of `path`, fsynced.
   * @param metadata key-value metadata of the file
   * @throws SluiceError SLUICE_DATA_DIR when the file cannot be written, SLUICE_SINK when the table cannot be encoded
   */
  write(arrow: Uint8Array, path: string, metadata: ReadonlyMap<string, string>): ParquetFile {
    const bytes = this.encode(arrow, metadata);
    const tempPath = temporaryPath(path);
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeDurably(tempPath, bytes);
    } catch (cause) {
      removeIfPossible(tempPath);
      throw asSluiceError(cause, 'SLUICE_DATA_DIR', `cannot write ${tempPath}`);
    }
    return { tempPath, path, bytes: bytes.byteLength };
  }

  /** The Parquet file as bytes. */
  encode(arrow: Uint8Array, metadata: ReadonlyMap<string, string>): Uint8Array {
    try {
      return writeParquet(Table.fromIPCStream(arrow), this.#properties(metadata));
    } catch (cause) {
      throw asSluiceError(cause, 'SLUICE_SINK', 'cannot encode a batch as Parquet');
    }
  }

  #properties(metadata: ReadonlyMap<string, string>): WriterProperties {
    let builder = new WriterPropertiesBuilder()
      .setCompression(COMPRESSIONS[this.#compression])
      .setCreatedBy('sluice')
      .setMaxRowGroupSize(MAX_ROW_GROUP_ROWS)
      .setDictionaryEnabled(false)
      .setKeyValueMetadata(new Map(metadata));
    for (const column of this.#dictionaryColumns) builder = builder.setColumnDictionaryEnabled(column, true);
    for (const [column, encoding] of this.#encodings) builder = builder.setColumnEncoding(column, encoding);
    return builder.build();
  }
}

/** A full disk wants the space back at once; what cannot be removed now is removed at the next start. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The reason to come here is reported; this one follows from it.
  }
}

function writeDurably(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'w', 0o644);
  try {
    for (let written = 0; written < bytes.byteLength; ) {
      written += writeSync(file, bytes, written, bytes.byteLength - written);
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
