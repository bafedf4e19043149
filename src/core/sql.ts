/** SQL text, and small results. */
import type { DuckDBConnection } from '@duckdb/node-api';

/** SQL identifier: any name that a spec may have, keywords included. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** SQL text literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * SQL text literal of a pattern of paths.
 * @param folder as it is, without `*` and `?`
 * @param pattern of what is in it
 */
export function globLiteral(folder: string, pattern: string): string {
  return literal(`${folder.replaceAll('[', '[[]')}/${pattern}`);
}

/** All rows of a small result, as objects; 64-bit integers are BigInts. */
export async function rowsOf(connection: DuckDBConnection, sql: string): Promise<Record<string, unknown>[]> {
  return (await connection.runAndReadAll(sql)).getRowObjects();
}
