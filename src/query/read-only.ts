/** One reading statement on a connection, streamed. */
import type { DuckDBConnection, DuckDBResult, DuckDBValue, Json } from '@duckdb/node-api';
import { SluiceError } from '../core/errors.js';
import { literal } from '../core/sql.js';
import { refuseEffects } from './effects.js';
import { checkTimeZone } from './time-zone.js';
import { type Display, type RawValue, rawValue, shownValue, type ValueType } from './values.js';

export interface QueryRows {
  /** Unique names. */
  readonly columns: readonly string[];
  /** By column. */
  readonly types: readonly ValueType[];
  /** The zone in which the query ran, and in which its times are to be shown. */
  readonly timeZone: string;
  /** Rows in blocks, in the raw form of values.ts. */
  readonly batches: AsyncIterable<readonly (readonly RawValue[])[]>;
}

/** What of a query may be chosen besides its text. */
export interface QuerySettings {
  /** Times with a zone are shown in it; default: UTC. */
  readonly timeZone?: string;
  /** Ends the query, which fails then. */
  readonly signal?: AbortSignal;
}

/** Of a block of rows, as JSON: a chunk of DuckDB has 2,048 rows, however long they are. */
const BLOCK_CHARACTERS = 1 << 20;

/**
 * Runs one statement in a read-only transaction, which ends with the connection.
 * @throws SluiceError SLUICE_QUERY when it is not one statement that reads, or fails
 */
export async function readOnlyRows(
  connection: DuckDBConnection,
  sql: string,
  { timeZone = 'UTC' }: QuerySettings = {},
): Promise<QueryRows> {
  checkTimeZone(timeZone);
  try {
    await connection.run(`SET TimeZone = ${literal(timeZone)}`);
    await connection.run('BEGIN TRANSACTION READ ONLY');
    await refuseEffects(connection, sql);
    const result = await connection.stream(sql);
    return {
      columns: result.deduplicatedColumnNames(),
      types: result.columnTypesJson() as unknown as ValueType[],
      timeZone,
      batches: blocksOf(result),
    };
  } catch (cause) {
    throw queryError(cause);
  }
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

async function* blocksOf(result: DuckDBResult): AsyncGenerator<RawValue[][]> {
  try {
    for await (const chunk of result) {
      const columns = Array.from({ length: chunk.columnCount }, (_, index) => chunk.getColumnVector(index));
      let block: RawValue[][] = [];
      let characters = 0;
      for (let row = 0; row < chunk.rowCount; row++) {
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
  } catch (cause) {
    throw queryError(cause);
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
  if (cause instanceof SluiceError) return cause;
  return new SluiceError('SLUICE_QUERY', (cause as Error).message, { cause });
}
