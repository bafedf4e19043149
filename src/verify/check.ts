/** What all checks of `sluice verify` have in common. */
import { isQueryFailure } from '../core/errors.js';
import { allRows, type SqlClient } from '../query/sql-client.js';
import type { StoredSpec } from '../schema/spec.js';

export interface CheckResult {
  readonly name: string;
  /** What does not agree and where, at most MAX_PROBLEMS of them; empty if all agrees. */
  readonly problems: readonly string[];
  /** What is worth knowing and no difference. */
  readonly notes: readonly string[];
  /** Why the check could not be made. */
  readonly skipped?: string;
}

export interface VerifyScope {
  /** Absolute. */
  readonly dataDir: string;
  /** Undefined: the database is `analytics.db`. */
  readonly lake?: LakeScope;
  readonly topic: string;
  /** Of the directory's last start. */
  readonly spec: StoredSpec;
  readonly table: string;
  /** Undefined: the table has none. */
  readonly changeId: string | undefined;
}

export interface LakeScope {
  /** Of all files, as the catalog says, without a slash at the end. */
  readonly dataPath: string;
  /** The catalog is in Postgres. */
  readonly isShared: boolean;
}

export const MAX_PROBLEMS = 10;

/** What a check finds. A query that fails finds something too: a damaged file or table cannot be read. */
export async function problemsOf(check: () => Promise<readonly string[]>): Promise<string[]> {
  try {
    return (await check()).slice(0, MAX_PROBLEMS);
  } catch (thrown) {
    if (isQueryFailure(thrown)) return [unreadable(thrown.message)];
    throw thrown;
  }
}

/** What a failed query says of the data directory, without DuckDB's guesses at what may have been meant. */
function unreadable(message: string): string {
  const [, kind, name] = /^Catalog Error: (Table|View) with name (\S+) does not exist/.exec(message) ?? [];
  if (kind !== undefined) return `the ${kind.toLowerCase()} ${name} is missing in analytics.db: put the database back`;
  const [, column] = /^Binder Error: (?:Referenced column|Column with name) "?([^"\s]+)"? /.exec(message) ?? [];
  if (column !== undefined) return `the column ${column} is missing in analytics.db or in a file`;
  return message.split('\n')[0];
}

/** The first value of each row, as text. */
export async function lines(client: SqlClient, sql: string): Promise<string[]> {
  return (await allRows(client, sql)).map((row) => String(Object.values(row)[0]));
}

/** `1,234 messages`, `1 message`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}
