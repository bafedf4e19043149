/**
 * Arrow → DuckDB: a commit group is gathered in a table of an in-memory database, outside of any transaction on the
 * file.
 */
import { type DuckDBAppender, type DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import { tableFromIPC } from 'apache-arrow';
import type { BatchResult } from '../../core/flow.js';
import { DataChunks } from '../../parquet/data-chunks.js';
import type { TableSpec } from '../../schema/spec.js';
import { columnDefinitions } from './ddl.js';
import type { StagedRows } from './staged-rows.js';

/** Rows in a table in memory. */
export class ArrowStaging implements StagedRows {
  readonly #connection: DuckDBConnection;
  readonly #definitions: string;
  readonly #chunks: DataChunks;
  readonly #chunk: DuckDBDataChunk;
  #appender: DuckDBAppender | undefined;
  #batches = 0;

  /** @param table qualified name, `staging.rows_0` */
  constructor(
    connection: DuckDBConnection,
    spec: TableSpec,
    readonly catalog: string,
    readonly table: string,
  ) {
    this.#connection = connection;
    this.#definitions = columnDefinitions(spec);
    this.#chunks = new DataChunks(spec);
    this.#chunk = DuckDBDataChunk.create(this.#chunks.columns.map(({ type }) => type));
  }

  relation(batches: readonly BatchResult[]): string {
    if (batches.length === this.#batches) return this.#name;
    const ranges = batches.map(
      ({ partition, startOffset, nextOffset }) =>
        `(kafka_partition = ${partition} AND kafka_offset >= ${startOffset} AND kafka_offset < ${nextOffset})`,
    );
    return `(FROM ${this.#name} WHERE ${ranges.join(' OR ')})`;
  }

  get #name(): string {
    return `${this.catalog}.${this.table}`;
  }

  async clear(): Promise<void> {
    this.#batches = 0;
    this.#appender = undefined;
    await this.#connection.run(`CREATE OR REPLACE TABLE ${this.#name} (${this.#definitions})`);
  }

  /** Appending copies the rows, text included. */
  async append({ arrow }: BatchResult): Promise<void> {
    this.#batches++;
    if (arrow === undefined) return;
    this.#appender ??= await this.#connection.createAppender(this.table, 'main', this.catalog);
    this.#chunks.load(tableFromIPC(arrow).batches);
    for (this.#chunk.reset(); this.#chunks.next(this.#chunk) > 0; this.#chunk.reset()) {
      this.#appender.appendDataChunk(this.#chunk);
    }
  }

  flush(): void {
    this.#appender?.closeSync();
    this.#appender = undefined;
  }
}
