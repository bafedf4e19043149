/** A statement that fails once. */
import { DuckDBConnection } from '@duckdb/node-api';
import { vi } from 'vitest';

export interface FailingOptions {
  /** It was done when it fails; default: it was not. */
  readonly isDone?: boolean;
  /** What happens before it fails. */
  readonly meanwhile?: (connection: DuckDBConnection) => unknown;
}

/** Fails the next statement of that kind, of whatever connection. */
export function failAt(statement: RegExp, error: Error, { isDone = false, meanwhile }: FailingOptions = {}) {
  const run = DuckDBConnection.prototype.run;
  const spy = vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(async function (
    this: DuckDBConnection,
    ...args
  ) {
    if (!statement.test(args[0])) return await run.apply(this, args);
    if (isDone) await run.apply(this, args);
    spy.mockRestore();
    await meanwhile?.(this);
    throw error;
  });
  return spy;
}
