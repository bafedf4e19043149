/**
 * Imported into a process that a test starts: kills it (SIGKILL) after the statement that KILL_AT says, two patterns
 * with `=>` between them: the first statement of the second kind after one of the first.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const bindings = require('@duckdb/node-bindings');

const [before, at] = process.env.KILL_AT.split('=>').map((pattern) => new RegExp(pattern));
let hasBegun = false;

async function query(connection, sql) {
  const result = await bindings.query(connection, sql);
  if (hasBegun && at.test(sql)) process.kill(process.pid, 'SIGKILL');
  if (before.test(sql)) hasBegun = true;
  return result;
}

// Its own functions cannot be replaced.
require.cache[require.resolve('@duckdb/node-bindings')].exports = Object.create(bindings, { query: { value: query } });
