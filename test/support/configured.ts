/** What commands see of a data directory, or a lake, by its variables. */
import { expect } from 'vitest';
import { openConfigured } from '../../src/commands/open-sql.js';
import { verify } from '../../src/commands/verify.js';
import { readConfig } from '../../src/config.js';
import { createLogger } from '../../src/core/log.js';
import { allRows } from '../../src/query/sql-client.js';

type Variables = Record<string, string>;

/** Rows of a query as arrays. */
export async function rowsNow(env: Variables, sql: string): Promise<unknown[][]> {
  const client = await openConfigured(readConfig(env, false));
  try {
    return (await allRows(client, sql)).map((row) => Object.values(row));
  } finally {
    client.close();
  }
}

/** Fails with what `verify` finds, but for Kafka. */
export async function verifies(env: Variables): Promise<void> {
  const log = createLogger({ level: 'silent', format: 'json' });
  let text = '';
  const write = async (more: string) => {
    text += more;
  };
  expect(await verify(readConfig(env, false), { kafka: false, log, write }), text).toBe(true);
}
