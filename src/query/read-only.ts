/** One reading statement on a connection, streamed. */
import { type DuckDBConnection, type DuckDBType, DuckDBTypeId, type Json } from '@duckdb/node-api';
import { SluiceError } from '../core/errors.js';
import { refuseEffects } from './effects.js';

/** What the values of a column are in JSON; a number that JSON cannot say (NaN, Infinity) comes as its name in text. */
export type JsonType = 'boolean' | 'number' | 'other';

export interface QueryRows {
  readonly columns: readonly string[];
  /** By column. */
  readonly types: readonly JsonType[];
  /** Rows in blocks; values in JSON's types, numbers beyond 2^53 and decimals as text. */
  readonly batches: AsyncIterable<readonly (readonly unknown[])[]>;
}

/**
 * Runs one statement in a read-only transaction, which ends with the connection.
 * @throws SluiceError SLUICE_QUERY when it is not one statement that reads, or fails
 */
export async function readOnlyRows(connection: DuckDBConnection, sql: string): Promise<QueryRows> {
  try {
    await connection.run("SET TimeZone = 'UTC'");
    await connection.run('BEGIN TRANSACTION READ ONLY');
    await refuseEffects(connection, sql);
    const result = await connection.stream(sql);
    return {
      columns: result.deduplicatedColumnNames(),
      types: result.columnTypes().map(jsonType),
      batches: translateErrors(result.yieldRowsJson()),
    };
  } catch (cause) {
    throw queryError(cause);
  }
}

const NUMBERS = new Set([
  ...[DuckDBTypeId.TINYINT, DuckDBTypeId.SMALLINT, DuckDBTypeId.INTEGER],
  ...[DuckDBTypeId.UTINYINT, DuckDBTypeId.USMALLINT, DuckDBTypeId.UINTEGER],
  ...[DuckDBTypeId.FLOAT, DuckDBTypeId.DOUBLE],
]);

function jsonType({ typeId }: DuckDBType): JsonType {
  if (typeId === DuckDBTypeId.BOOLEAN) return 'boolean';
  return NUMBERS.has(typeId) ? 'number' : 'other';
}

async function* translateErrors(batches: AsyncIterable<Json[][]>): AsyncIterable<Json[][]> {
  try {
    yield* batches;
  } catch (cause) {
    throw queryError(cause);
  }
}

function queryError(cause: unknown): SluiceError {
  if (cause instanceof SluiceError) return cause;
  return new SluiceError('SLUICE_QUERY', (cause as Error).message, { cause });
}
