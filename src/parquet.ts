/**
 * Arrow → durable Parquet file.
 *
 * The file is written by a DuckDB of the worker's own, which keeps nothing: its COPY takes the rows from a table
 * function, chunk by chunk, straight from the kernel's memory. It is written beside its final place under a temporary
 * name and fsynced; the merge renames it just before the transaction that makes it count.
 */
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type DuckDBConnection, DuckDBInstance, DuckDBTableFunction } from '@duckdb/node-api';
import type { RecordBatch } from 'apache-arrow';
import { DataChunks } from './data-chunks.js';
import { sync, temporaryPath } from './data-dir.js';
import { sinkError } from './errors.js';
import type { ParquetFile } from './flow.js';
import { copyToParquet, type ParquetCompression } from './parquet-copy.js';
import type { TableSpec } from './spec.js';
import type { StringForms } from './string-forms.js';

export interface ParquetOptions {
  readonly compression: ParquetCompression;
  readonly spec: TableSpec;
  /** For the text of the rows; default: that of string-forms.ts. */
  readonly stringForms?: StringForms;
}

const TABLE_FUNCTION = 'record_batches';

/** Writes the Parquet files of one worker, one at a time. */
export class ParquetFiles {
  readonly #compression: ParquetCompression;
  readonly #connection: DuckDBConnection;
  readonly #chunks: DataChunks;

  private constructor(options: ParquetOptions, connection: DuckDBConnection) {
    this.#compression = options.compression;
    this.#connection = connection;
    this.#chunks = new DataChunks(options.spec, options.stringForms);
    const { columns } = this.#chunks;
    connection.registerTableFunction(
      DuckDBTableFunction.create({
        name: TABLE_FUNCTION,
        bindFunction: (info) => {
          for (const { name, type } of columns) info.addResultColumn(name, type);
        },
        initFunction: () => this.#chunks.rewind(),
        mainFunction: (_, chunk) => void this.#chunks.next(chunk),
      }),
    );
  }

  static async open(options: ParquetOptions): Promise<ParquetFiles> {
    const instance = await DuckDBInstance.create(':memory:', {
      threads: '1',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    return new ParquetFiles(options, await instance.connect());
  }

  /**
   * Writes the file of `path` under its temporary name, fsynced.
   * @param recordBatches at least one row; may be views, which must stay as they are until the file is written
   * @param metadata key-value metadata of the file
   * @throws SluiceError SLUICE_DATA_DIR when the file cannot be written, SLUICE_SINK when DuckDB fails otherwise
   */
  async write(
    recordBatches: readonly RecordBatch[],
    path: string,
    metadata: ReadonlyMap<string, string>,
  ): Promise<ParquetFile> {
    const tempPath = temporaryPath(path);
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#chunks.load(recordBatches);
      await copyToParquet(this.#connection, `${TABLE_FUNCTION}()`, tempPath, {
        compression: this.#compression,
        metadata,
      });
      sync(tempPath);
      return { tempPath, path, bytes: statSync(tempPath).size };
    } catch (thrown) {
      removeIfPossible(tempPath);
      throw sinkError(thrown, `cannot write ${tempPath}`);
    }
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
