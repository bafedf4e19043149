/**
 * DuckDB's API, by `require`: for an `import` of a CommonJS library Node scans all of its files for the names that they
 * export, which costs every thread that does it a tenth of a second at its start.
 */
import { createRequire } from 'node:module';

export const duckdb = createRequire(import.meta.url)('@duckdb/node-api') as typeof import('@duckdb/node-api');
