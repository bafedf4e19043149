/** DuckDB with the extensions that set-up provides for tests (scripts/setup/duckdb-extensions.mjs). */
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { onTestFinished } from 'vitest';

/** For DuckDB's setting `extension_directory`: `LOAD ducklake`, `postgres_scanner` and `httpfs` find them there. */
export const EXTENSION_DIRECTORY = fileURLToPath(new URL('../../build/duckdb-extensions', import.meta.url));

/** Says why there are none, undefined if they are there. With CI=true that is an error. */
export function whyNoExtensions(): string | undefined {
  if (statSync(EXTENSION_DIRECTORY, { throwIfNoEntry: false }) !== undefined) return undefined;
  const obstacle = "DuckDB's extensions are not there: node scripts/setup.mjs --tests";
  if (process.env.CI === 'true') throw new Error(`tests with DuckLake cannot run: ${obstacle}`);
  return obstacle;
}

/** An instance of its own, in memory, after these statements; closed at the end of the test. */
export async function duckdbAfter(statements: readonly string[]): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:', { extension_directory: EXTENSION_DIRECTORY });
  const connection = await instance.connect();
  onTestFinished(() => {
    connection.closeSync();
    instance.closeSync();
  });
  for (const sql of statements) await connection.run(sql);
  return connection;
}
