/** One reading statement on a connection, streamed. */
import type { DuckDBConnection, DuckDBDataChunk, DuckDBResult, DuckDBValue, Json } from '@duckdb/node-api';
import { explainDamage, SluiceError } from '../core/errors.js';
import { literal } from '../core/sql.js';
import { readingStatement } from './effects.js';
import { checkTimeZone } from './time-zone.js';
import { type Display, type RawValue, rawValue, shownValue, type ValueType } from './values.js';

/** What is known of a result before its rows. */
export interface QueryHead {
  /** Unique names. */
  readonly columns: readonly string[];
  /** By column. */
  readonly types: readonly ValueType[];
  /** The zone in which the query ran, and in which its times are to be shown. */
  readonly timeZone: string;
}

/** A result as DuckDB gives it. */
export interface QueryChunks extends QueryHead {
  /** Each is valid until the next one is asked for. */
  readonly chunks: AsyncIterable<DuckDBDataChunk>;
}

export interface QueryRows extends QueryHead {
  /** Rows in blocks, in the raw form of values.ts. */
  readonly batches: AsyncIterable<readonly (readonly RawValue[])[]>;
}

export interface QueryArrow extends QueryHead {
  /** An Arrow IPC stream in pieces of whole messages: the schema, a record batch each, the end. */
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** What of a query may be chosen besides its text. */
export interface QuerySettings {
  /** Times with a zone are shown in it; default: UTC. */
  readonly timeZone?: string;
  /** Ends the query, which fails then. */
  readonly signal?: AbortSignal;
  /** Of rows that come at once through the running process: a row of more fails. Default: no bound. */
  readonly maxBlockBytes?: number;
  /** Values of $name in the statement, as text that DuckDB reads as the type that it expects there. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/** Of a block of rows, as JSON: a chunk of DuckDB has 2,048 rows, however long they are. */
const BLOCK_CHARACTERS = 1 << 20;

/**
 * Runs one statement in a read-only transaction. `endReading` ends it, whether or not the rows were taken.
 * @throws SluiceError SLUICE_QUERY when it is not one statement that reads, or fails; SLUICE_SINK if the database is
 *   damaged
 */
export async function readOnlyChunks(
  connection: DuckDBConnection,
  sql: string,
  { timeZone = 'UTC', parameters }: QuerySettings = {},
): Promise<QueryChunks> {
  checkTimeZone(timeZone);
  try {
    await connection.run(`SET TimeZone = ${literal(timeZone)}`);
    await connection.run('BEGIN TRANSACTION READ ONLY');
    const statement = await readingStatement(connection, sql);
    if (parameters !== undefined) await checkParameters(connection, statement, parameters);
    const result = await connection.stream(statement, parameters);
    return {
      columns: result.deduplicatedColumnNames(),
      types: result.columnTypesJson() as unknown as ValueType[],
      timeZone,
      chunks: chunksOf(connection, result, { statement, parameters }),
    };
  } catch (cause) {
    throw queryError(cause);
  }
}

/**
 * Ends the transaction, and closes the connection. By closing alone, a result that was not taken to its end would keep
 * the state that it reads, and a lake's connection to its catalog, until the garbage collector finds it.
 */
export async function endReading(connection: DuckDBConnection): Promise<void> {
  // There is none if the query could not begin.
  await connection.run('ROLLBACK').catch(() => {});
  connection.closeSync();
}

/** DuckDB says neither the name of a parameter that it does not find, nor where a value comes from. */
async function checkParameters(
  connection: DuckDBConnection,
  sql: string,
  parameters: Readonly<Record<string, string>>,
): Promise<void> {
  const prepared = await connection.prepare(sql);
  const names = Array.from({ length: prepared.parameterCount }, (_, index) => prepared.parameterName(index + 1));
  prepared.destroySync();
  const unknown = Object.keys(parameters).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const known = names.length === 0 ? 'it has none' : `it has ${names.map((name) => `$${name}`).join(', ')}`;
    throw new SluiceError('SLUICE_QUERY', `the statement has no parameter $${unknown}: ${known}`);
  }
}

/** As `readOnlyChunks`, with the rows as values. */
export async function readOnlyRows(
  connection: DuckDBConnection,
  sql: string,
  settings?: QuerySettings,
): Promise<QueryRows> {
  const { chunks, ...head } = await readOnlyChunks(connection, sql, settings);
  return { ...head, batches: rowBlocks(chunks) };
}

/** The rows of a result as people read them, in the same blocks. */
export async function* shownRows(
  { types, timeZone, batches }: QueryRows,
  { wideNumbers }: Pick<Display, 'wideNumbers'>,
): AsyncGenerator<Json[][]> {
  const display = { timeZone, wideNumbers };
  for await (const rows of batches) {
    yield rows.map((row) => row.map((value, index) => shownValue(types[index], value, display)));
  }
}

/** What was asked for, as it can be asked again. */
interface Asked {
  readonly statement: string;
  readonly parameters: Readonly<Record<string, string>> | undefined;
}

/** A chunk holds its memory until the garbage collector finds it, which does not know how much that is. */
async function* chunksOf(
  connection: DuckDBConnection,
  result: DuckDBResult,
  asked: Asked,
): AsyncGenerator<DuckDBDataChunk> {
  try {
    for await (const chunk of result) {
      yield chunk;
      chunk.reset();
    }
    if (await hasFailed(connection)) throw await whyItFailed(connection, asked);
  } catch (cause) {
    throw queryError(cause);
  }
}

/** DuckDB's client ends a result that fails after its first rows as one that is complete. The transaction knows. */
async function hasFailed(connection: DuckDBConnection): Promise<boolean> {
  return await connection.run('SELECT 1').then(
    () => false,
    () => true,
  );
}

/** What the client does not say: reads all columns of all rows again, and keeps nothing. */
async function whyItFailed(connection: DuckDBConnection, { statement, parameters }: Asked): Promise<unknown> {
  const again = `FROM (${statement.replace(/;\s*$/, '')}\n) AS sluice_rows SELECT count(hash(sluice_rows))`;
  try {
    await connection.run('ROLLBACK');
    await connection.run('BEGIN TRANSACTION READ ONLY');
    await connection.run(again, parameters);
  } catch (thrown) {
    if (!/^(Parser|Binder|Catalog) Error/.test((thrown as Error).message)) return thrown;
  }
  return new SluiceError(
    'SLUICE_QUERY',
    'the query failed before its last row, and DuckDB does not say why. Memory may have been short: run it again',
  );
}

/** The rows of chunks in the raw form of values.ts, in blocks of bounded size. */
export async function* rowBlocks(chunks: AsyncIterable<DuckDBDataChunk>): AsyncGenerator<RawValue[][]> {
  for await (const chunk of chunks) {
    const columns = Array.from({ length: chunk.columnCount }, (_, index) => chunk.getColumnVector(index));
    let block: RawValue[][] = [];
    let characters = 0;
    const rows = chunk.rowCount;
    for (let row = 0; row < rows; row++) {
      const values = columns.map((column) => rawValue(column.getItem(row) as DuckDBValue));
      for (const value of values) characters += sizeOf(value);
      block.push(values);
      if (characters < BLOCK_CHARACTERS) continue;
      yield block;
      block = [];
      characters = 0;
    }
    if (block.length > 0) yield block;
  }
}

function sizeOf(value: RawValue): number {
  if (typeof value === 'string') return value.length;
  if (!Array.isArray(value)) return 8;
  let size = 0;
  for (const part of value as readonly RawValue[]) size += sizeOf(part);
  return size;
}

function queryError(cause: unknown): SluiceError {
  const explained = explainDamage(cause);
  if (explained instanceof SluiceError) return explained;
  return new SluiceError('SLUICE_QUERY', (cause as Error).message, { cause });
}
