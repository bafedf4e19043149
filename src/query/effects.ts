/** Keeps statements that read from calling functions that do more than read. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { assert, SluiceError } from '../core/errors.js';
import { literal } from '../core/sql.js';

/**
 * The table functions that only read, found by going through `duckdb_functions()` of DuckDB 1.5. What is not listed is
 * refused: `checkpoint`, `force_checkpoint`, `enable_logging`, `disable_logging`, `truncate_duckdb_logs`; those that
 * run SQL which they are given as text, `query` and `json_execute_serialized_sql`; those that take addresses in memory,
 * `arrow_scan`, `arrow_scan_dumb` and `seq_scan`; what changes a lake, such as `ducklake_merge_adjacent_files`; what
 * runs SQL in another server or reads by a connection string, such as `postgres_query`; and what a later DuckDB has.
 */
const READING_FAMILIES = /^(duckdb|pragma|parquet|read)_/;
const READING = new Set([
  ...['range', 'generate_series', 'repeat', 'repeat_row', 'unnest', 'query_table', 'summary'],
  ...['histogram', 'histogram_values', 'json_each', 'json_tree', 'glob', 'sniff_csv', 'which_secret'],
  // Of a lake, under both of their names: `ducklake_snapshots('lake')` and `lake.snapshots()`.
  ...['snapshots', 'current_snapshot', 'last_committed_snapshot', 'settings', 'options', 'table_info', 'list_files']
    .concat('table_insertions', 'table_deletions', 'table_changes')
    .flatMap((name) => [name, `ducklake_${name}`]),
  ...['icu_calendar_names', 'pg_timezone_names', 'sql_auto_complete', 'test_all_types', 'test_vector_types'],
]);
/** The scalar functions with effects outside of their statement, and one that binds SQL which it is given as text. */
const ACTING = new Set(['write_log', 'nextval', 'json_serialize_plan']);

/** How to explain, in whole words and whole texts: what is left open would take in some of the statement. */
const OPTION = String.raw`\w+(?:\s+(?:\w+|'\w*'))?`;
const NO_BODY = String.raw`(?!\s*(?:select|from|with|values|table|describe|summarize|show|pivot)\b)`;
const OPTIONS = String.raw`\(${NO_BODY}\s*${OPTION}(?:\s*,\s*${OPTION})*\s*\)`;
const COMMENTS = String.raw`(?:\s|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*`;
/** What comes before an explained statement: comments, the keyword, how to explain. */
const EXPLAIN = new RegExp(String.raw`^${COMMENTS}(explain\b\s*(?:analyze\b|${OPTIONS})?)`, 'i');

/**
 * Looks at a statement before DuckDB prepares it. A read-only transaction does not keep a statement from writing files
 * (COPY … TO), nor from calling such functions, nor several of them from ending it; EXPLAIN ANALYZE runs what it
 * explains.
 * @returns the statement to run. It is made of what was looked at: where comments end is for DuckDB's parser to say
 * @throws SluiceError SLUICE_QUERY if it is not one statement that only reads; what DuckDB throws if it is no SQL
 */
export async function readingStatement(connection: DuckDBConnection, sql: string): Promise<string> {
  const { explain, body } = parts(sql);
  const serialized = await connection.runAndReadAll('SELECT json_serialize_sql($body::VARCHAR)', { body });
  const tree = parseTree(String(serialized.getRows()[0][0])) as { error: boolean; statements: unknown[] };
  // Only what SELECT does has a tree; what is no SQL is for DuckDB to explain, which shows the place.
  const count = tree.error ? (await connection.extractStatements(body)).count : tree.statements.length;
  if (count === 0) throw new SluiceError('SLUICE_QUERY', EMPTY);
  if (count > 1) {
    const why = tree.error && /\bpivot\b/i.test(body) ? PIVOT : '';
    throw new SluiceError('SLUICE_QUERY', `one statement is allowed, not ${count}${why}`);
  }
  if (tree.error) throw new SluiceError('SLUICE_QUERY', NOT_READING);
  for (const { name, isTable } of calledFunctions(tree)) {
    if (isTable ? READING_FAMILIES.test(name) || READING.has(name) : !ACTING.has(name)) continue;
    throw new SluiceError('SLUICE_QUERY', `the function ${name} is not allowed: a query must only read`);
  }
  const statement = `${explain}${body}`;
  assert((await connection.extractStatements(statement)).count === 1, 'EXPLAIN and a SELECT are one statement');
  return statement;
}

/**
 * For a reader who may have fewer rights than the process: nothing but tables is read, no file, by whatever name.
 * @param ask runs SQL where the statement is to run
 * @throws SluiceError SLUICE_QUERY
 */
export async function refuseFiles(
  sql: string,
  ask: (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>,
): Promise<void> {
  const { body } = parts(sql);
  const [{ serialized }] = await ask(`SELECT json_serialize_sql(${literal(body)}::VARCHAR)::VARCHAR AS serialized`);
  const tree = parseTree(String(serialized));
  for (const { name, isTable } of calledFunctions(tree)) {
    if (isTable && OF_FILES.test(name)) throw ofFiles(name);
  }
  const tables = [...namedTables(tree)];
  // DuckDB takes what is no table for the path of a file, `a.csv` for that of a file as well.
  for (const name of tables.flat()) if (!/^[\w$ -]*$/.test(name)) throw ofFiles(name);
  const qualified = tables.filter((names) => names.length > 1);
  if (qualified.length === 0) return;
  const known = new Set((await ask(KNOWN_TABLES)).map(({ name }) => String(name).toLowerCase()));
  for (const names of qualified) if (!known.has(names.join('.').toLowerCase())) throw ofFiles(names.join('.'));
}

/** What reads files, or tables by names that are text; `sql_auto_complete` lists folders. */
const OF_FILES = /^(read_|parquet_|glob$|sniff_csv$|query_table$|histogram$|histogram_values$|sql_auto_complete$)/;

/** SQL: all tables and views under each name with a schema, a database or both. */
const KNOWN_TABLES = `
  WITH tables AS (
    SELECT database_name, schema_name, table_name FROM duckdb_tables()
    UNION ALL SELECT database_name, schema_name, view_name FROM duckdb_views())
  SELECT unnest([
    concat_ws('.', database_name, schema_name, table_name), schema_name || '.' || table_name,
    database_name || '.' || table_name]) AS name
  FROM tables`;

function ofFiles(name: string): SluiceError {
  return new SluiceError(
    'SLUICE_QUERY',
    `${name} is not allowed here: the page reads tables and no files. "sluice query" does, with your own rights`,
  );
}

/** @returns the keywords that have a statement explained, without comments and empty if there are none; the rest */
function parts(sql: string): { explain: string; body: string } {
  const [before, explain] = EXPLAIN.exec(sql) ?? ['', ''];
  return { explain: explain === '' ? '' : `${explain} `, body: sql.slice(before.length) };
}

/** What `json_serialize_sql` made, which writes literals beyond all numbers as no JSON. */
function parseTree(serialized: string): unknown {
  return JSON.parse(serialized.replace(/:(?:-?Infinity|-?NaN)(?=[,}\]])/g, ':null'));
}

const EMPTY = 'the query is empty: give one statement, such as "FROM orders LIMIT 10"';
const PIVOT = ". A PIVOT is one statement if it names the values: PIVOT orders ON status IN ('paid') USING count(*)";
const NOT_READING =
  'only statements that read are allowed: SELECT, FROM, DESCRIBE, EXPLAIN, …; ' +
  "for a PRAGMA there is a function, as in: FROM pragma_table_info('orders')";

interface Call {
  readonly name: string;
  readonly isTable: boolean;
}

/** All calls in a statement's tree, as `json_serialize_sql` has it. */
function* calledFunctions(node: unknown, isTable = false): Generator<Call> {
  if (typeof node !== 'object' || node === null) return;
  if ('function_name' in node && typeof node.function_name === 'string') {
    yield { name: node.function_name.toLowerCase(), isTable };
  }
  const isTableFunction = 'type' in node && node.type === 'TABLE_FUNCTION';
  for (const [key, child] of Object.entries(node)) yield* calledFunctions(child, isTableFunction && key === 'function');
}

/** The names of all tables in a statement's tree, each with its database and schema if they are said. */
function* namedTables(node: unknown): Generator<string[]> {
  if (typeof node !== 'object' || node === null) return;
  if ('table_name' in node && 'type' in node && node.type === 'BASE_TABLE') {
    const { catalog_name, schema_name, table_name } = node as Record<string, unknown>;
    yield [catalog_name, schema_name, table_name].filter((name) => name !== '').map(String);
  }
  for (const child of Object.values(node)) yield* namedTables(child);
}
