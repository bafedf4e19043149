/** A result → Parquet, a row group at a time, by parquet-wasm. */
import { ReadableStream } from 'node:stream/web';
import { DuckDBInstance, DuckDBTypeId } from '@duckdb/node-api';
import {
  Compression,
  type RecordBatch,
  Table,
  transformParquetStream,
  WriterPropertiesBuilder,
  writeParquet,
} from 'parquet-wasm';
import { SluiceError } from '../core/errors.js';
import { literal, rowsOf } from '../core/sql.js';
import type { QueryArrow } from '../query/read-only.js';
import type { ValueType } from '../query/values.js';

/** As DuckDB's own. */
const ROW_GROUP_ROWS = 122_880;

/** What Parquet has no type for, or the library cannot write, and what to do. */
const REFUSED: Partial<Record<DuckDBTypeId, string>> = {
  [DuckDBTypeId.INTERVAL]: 'INTERVAL has no type in Parquet: cast it to VARCHAR',
  [DuckDBTypeId.TIMESTAMP_S]: 'TIMESTAMP_S has no type in Parquet: cast it to TIMESTAMP',
};

/**
 * Writes the file's bytes; it has Arrow's types. The library gives up without a word, so that its file is looked at.
 * @param path where `write` puts them
 * @throws SluiceError SLUICE_QUERY if a type cannot be written, SLUICE_OUTPUT if rows are missing
 */
export async function writeParquetFile(
  { columns, types, pieces }: QueryArrow,
  path: string,
  write: (piece: Uint8Array) => Promise<void>,
): Promise<void> {
  for (const [index, type] of types.entries()) {
    const refused = refusal(type);
    if (refused !== undefined) throw new SluiceError('SLUICE_QUERY', `column ${columns[index]}: ${refused}`);
  }
  const properties = new WriterPropertiesBuilder()
    .setCompression(Compression.ZSTD)
    .setMaxRowGroupSize(ROW_GROUP_ROWS)
    .build();
  const source = pieces[Symbol.asyncIterator]();
  const schema: Uint8Array = (await source.next()).value;
  const batches = new Batches(schema, source);
  const first = await batches.next();
  if (first === undefined) {
    await write(writeParquet(Table.fromIPCStream(schema), properties));
    return;
  }
  // Node's streams, and what TypeScript knows of those of browsers.
  const encoded: unknown = await transformParquetStream(ReadableStream.from(batches.from(first)) as never, properties);
  for await (const piece of encoded as AsyncIterable<Uint8Array>) await write(piece);
  if (batches.failure !== undefined) throw batches.failure;
  const written = await rowsIn(path);
  if (written === batches.rows) return;
  throw new SluiceError(
    'SLUICE_OUTPUT',
    `the Parquet file has ${written} rows of ${batches.rows}: write another format`,
  );
}

/** The record batches of a stream, in the memory of parquet-wasm. */
class Batches {
  rows = 0;
  /** What the source threw: the library keeps it to itself. */
  failure: unknown;
  readonly #schema: Uint8Array;
  readonly #source: AsyncIterator<Uint8Array>;
  #ready: RecordBatch[] = [];

  constructor(schema: Uint8Array, source: AsyncIterator<Uint8Array>) {
    this.#schema = schema;
    this.#source = source;
  }

  async next(): Promise<RecordBatch | undefined> {
    while (this.#ready.length === 0) {
      const { value, done } = await this.#source.next();
      if (done) return undefined;
      const table = Table.fromIPCStream(Buffer.concat([this.#schema, value]));
      this.#ready = table.recordBatches();
      table.free();
    }
    const batch = this.#ready.shift();
    this.rows += batch?.numRows ?? 0;
    return batch;
  }

  async *from(first: RecordBatch): AsyncGenerator<RecordBatch> {
    try {
      for (let batch: RecordBatch | undefined = first; batch !== undefined; batch = await this.next()) yield batch;
    } catch (thrown) {
      this.failure = thrown;
      throw thrown;
    }
  }
}

function refusal(type: ValueType): string | undefined {
  const { valueType, keyType, entryTypes = [] } = type;
  const parts = [valueType, keyType, ...entryTypes].filter((part) => part !== undefined);
  return REFUSED[type.typeId] ?? parts.map(refusal).find((each) => each !== undefined);
}

async function rowsIn(path: string): Promise<number> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    const [{ rows }] = await rowsOf(connection, `SELECT num_rows AS rows FROM parquet_file_metadata(${literal(path)})`);
    return Number(rows);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
