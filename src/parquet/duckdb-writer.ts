/**
 * Arrow → Parquet by a DuckDB of the worker's own, which keeps nothing: its COPY takes the rows from a table function,
 * chunk by chunk, straight from the kernel's memory.
 */
import { type DuckDBConnection, DuckDBInstance, DuckDBTableFunction } from '@duckdb/node-api';
import type { RecordBatch } from 'apache-arrow';
import { literal, rowsOf } from '../core/sql.js';
import type { StringForms } from '../core/string-forms.js';
import type { TableSpec } from '../schema/spec.js';
import { extensionConfig, type ObjectStoreOptions, openObjectStore } from '../storage/object-store.js';
import { DataChunks } from './data-chunks.js';
import { copyToParquet } from './parquet-copy.js';
import type { ParquetCompression, ParquetWriter } from './parquet-writer.js';
import { MAX_ROW_GROUP_ROWS, rowGroupRows, runOf } from './row-groups.js';

export interface DuckDbWriterOptions {
  readonly compression: ParquetCompression;
  readonly spec: TableSpec;
  /** For the text of the rows; default: that of string-forms.ts. */
  readonly stringForms?: StringForms;
  /** If it is to write to `s3://…`. */
  readonly objects?: ObjectStoreOptions | undefined;
}

const TABLE_FUNCTION = 'record_batches';

/** PARQUET_WRITER=duckdb */
export class DuckDbWriter implements ParquetWriter {
  readonly #compression: ParquetCompression;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #chunks: DataChunks;
  #rowGroupRows = MAX_ROW_GROUP_ROWS;

  private constructor(options: DuckDbWriterOptions, instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#compression = options.compression;
    this.#instance = instance;
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
        mainFunction: (_, chunk) => void this.#chunks.next(chunk, this.#rowGroupRows),
      }),
    );
  }

  static async open(options: DuckDbWriterOptions): Promise<DuckDbWriter> {
    const instance = await DuckDBInstance.create(':memory:', {
      threads: '1',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      ...extensionConfig(options.objects?.extensionDirectory),
    });
    const connection = await instance.connect();
    if (options.objects !== undefined) await openObjectStore(connection, options.objects);
    return new DuckDbWriter(options, instance, connection);
  }

  async write(recordBatches: readonly RecordBatch[], path: string, metadata: ReadonlyMap<string, string>) {
    this.#chunks.load(recordBatches);
    this.#rowGroupRows = rowGroupRows(recordBatches.map(runOf));
    const copy = { compression: this.#compression, metadata, rowGroupRows: this.#rowGroupRows };
    await copyToParquet(this.#connection, `${TABLE_FUNCTION}()`, path, copy);
  }

  async bytesOf(path: string): Promise<number> {
    const [{ size }] = await rowsOf(this.#connection, `SELECT size FROM read_blob(${literal(path)})`);
    return Number(size);
  }

  async close(): Promise<void> {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}
