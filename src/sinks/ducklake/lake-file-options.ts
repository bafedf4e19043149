/** How DuckLake writes files of its own: as a lake's options say. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { literal, rowsOf } from '../../core/sql.js';
import type { CompactionOptions } from '../duckdb/compaction.js';
import { LAKE, METADATA } from './lake.js';
import type { LakeTableName } from './table-file.js';

const CODECS = { zstd: 'zstd', snappy: 'snappy', lz4: 'lz4_raw', none: 'uncompressed' } as const;

/**
 * The options of one instance. DuckLake acts on a copy that the instance read when it attached the lake, and another
 * process may have set an option since. So each sets all of them once, whatever the catalog says, which makes no
 * snapshot.
 */
export class LakeFileOptions {
  readonly #connection: DuckDBConnection;
  readonly #call: (call: string) => Promise<void>;
  readonly #set = new Set<string>();

  /**
   * @param connection of the instance
   * @param call runs one of DuckLake's functions, in no transaction
   */
  constructor(connection: DuckDBConnection, call: (call: string) => Promise<void>) {
    this.#connection = connection;
    this.#call = call;
  }

  /** Has files be like those of workers. @throws what `call` throws */
  async writeLikeWorkers({ targetBytes, compression }: CompactionOptions): Promise<void> {
    await this.#setOnce(`'target_file_size', '${targetBytes}B'`);
    await this.#setOnce(`'parquet_compression', '${CODECS[compression]}'`);
    await this.#setOnce(`'parquet_version', '2'`);
  }

  /**
   * Has the rows of a table, if there is one, be in files, and which of them are deleted: not in the catalog.
   * @throws what `call` throws, DuckDB's error
   */
  async keepInFiles({ schema, table }: LakeTableName): Promise<void> {
    const tables = await rowsOf(
      this.#connection,
      `SELECT table_id FROM ${METADATA}.ducklake_table t JOIN ${METADATA}.ducklake_schema s USING (schema_id)
       WHERE t.end_snapshot IS NULL AND s.schema_name = ${literal(schema)} AND t.table_name = ${literal(table)}`,
    );
    const of = `schema => ${literal(schema)}, table_name => ${literal(table)}`;
    // One of that name that was made anew has no options.
    for (const { table_id } of tables) await this.#setOnce(`'data_inlining_row_limit', 0, ${of}`, String(table_id));
  }

  async #setOnce(option: string, tableId = ''): Promise<void> {
    const key = `${option} ${tableId}`;
    if (this.#set.has(key)) return;
    await this.#call(`${LAKE}.set_option(${option})`);
    this.#set.add(key);
  }
}
