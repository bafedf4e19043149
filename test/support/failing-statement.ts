/** A statement that fails once. */
import { DuckDBConnection } from '@duckdb/node-api';
import { vi } from 'vitest';

/**
 * Fails the next statement of that kind, of whatever connection.
 * @param isDone fails it after it was done; default: before
 */
export function failAt(statement: RegExp, error: Error, isDone = false) {
  const run = DuckDBConnection.prototype.run;
  const spy = vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(async function (
    this: DuckDBConnection,
    ...args
  ) {
    if (!statement.test(args[0])) return await run.apply(this, args);
    if (isDone) await run.apply(this, args);
    spy.mockRestore();
    throw error;
  });
  return spy;
}
