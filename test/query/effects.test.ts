import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readOnlyRows } from '../../src/query/read-only.js';
import { temporaryDirectory } from '../support/batches.js';

async function run(sql: string): Promise<unknown[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(`CREATE TABLE t AS SELECT 1 AS a, 'x' AS b`);
    const rows: unknown[] = [];
    for await (const batch of (await readOnlyRows(connection, sql)).batches) rows.push(...batch);
    return rows;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

describe('a query', () => {
  it.each([
    'FROM checkpoint()',
    'FROM system.main.CHECKPOINT()',
    'FROM force_checkpoint()',
    'SELECT (SELECT count(*) FROM enable_logging())',
    'WITH a AS (FROM disable_logging()) SELECT 1 FROM a',
    'EXPLAIN ANALYZE FROM truncate_duckdb_logs()',
    'DESCRIBE FROM checkpoint()',
    'FROM t, LATERAL (FROM checkpoint())',
    `FROM query('FROM checkpoint()')`,
    `FROM json_execute_serialized_sql(json_serialize_sql('FROM checkpoint()'))`,
    `SELECT a FROM t ORDER BY write_log('x')`,
    'SELECT [write_log(b) FOR b IN [1]]',
    `FROM ducklake_merge_adjacent_files('lake')`,
    'FROM lake.expire_snapshots()',
    `FROM ducklake_add_data_files('lake', 't', 'x.parquet')`,
    `FROM postgres_query('catalog', 'SELECT 1')`,
    `FROM postgres_scan('', 'public', 't')`,
    `SELECT json_serialize_plan('SELECT a FROM t')`,
  ])('does not call a function that does more than read: %s', async (sql) => {
    await expect(run(sql)).rejects.toMatchObject({
      code: 'SLUICE_QUERY',
      message: expect.stringMatching(/^the function \w+ is not allowed: a query must only read$/),
    });
  });

  it.each([
    'PRAGMA force_checkpoint',
    'PRAGMA enable_profiling',
    `PRAGMA table_info('t')`,
    'CALL checkpoint()',
    'CHECKPOINT',
    'SET threads = 3',
    'INSTALL json',
    "ATTACH ':memory:' AS m",
  ])('is no statement that does more than read: %s', async (sql) => {
    await expect(run(sql)).rejects.toMatchObject({
      code: 'SLUICE_QUERY',
      message: expect.stringMatching(/^only statements that read are allowed/),
    });
  });

  it.each([
    // DuckDB nests comments.
    `EXPLAIN (ANALYZE /*) SELECT 1 --*/) COPY (SELECT 1) TO 'written.csv'`,
    'EXPLAIN (ANALYZE /*) SELECT 1 --*/) SELECT 1; COMMIT; DROP TABLE t',
    `/* /* */ explain SELECT 1 -- */ COPY (SELECT 1) TO 'written.csv'`,
    '/* /* */ explain SELECT 1 -- */ COMMIT; DROP TABLE t',
    'EXPLAIN ANALYZE SELECT 1; COMMIT; DROP TABLE t',
    'SELECT 1; COMMIT; DROP TABLE t',
    `EXPLAIN ANALYZE COPY (SELECT 1) TO 'written.csv'`,
    `EXPLAIN (FORMAT 'json) SELECT 1 --') COPY (SELECT 1) TO 'written.csv'`,
    `EXPLAIN (FORMAT 'json' --) SELECT 1\n) COPY (SELECT 1) TO 'written.csv'`,
    `EXPLAIN ANALYZE EXPLAIN ANALYZE COPY (SELECT 1) TO 'written.csv'`,
    `SELECT 1 --\0\n; COPY (SELECT 1) TO 'written.csv'`,
  ])('has no way around a comment: %j', async (sql) => {
    const folder = temporaryDirectory();
    const instance = await DuckDBInstance.create(join(folder, 'analytics.db'));
    const connection = await instance.connect();
    onTestFinished(() => {
      connection.closeSync();
      instance.closeSync();
    });
    await connection.run('CREATE TABLE t AS SELECT 1 AS a');
    const written = sql.replace('written.csv', join(folder, 'written.csv'));
    await readOnlyRows(connection, written)
      .then(async ({ batches }) => {
        for await (const rows of batches) expect(rows).toBeDefined();
      })
      .catch((error) => expect(error).toMatchObject({ code: 'SLUICE_QUERY' }));
    expect(existsSync(join(folder, 'written.csv'))).toBe(false);
    const other = await instance.connect();
    expect((await other.runAndReadAll('FROM t')).getRows()).toEqual([[1]]);
    other.closeSync();
  });

  it('of many comments is looked at once', async () => {
    const comments = '/**/'.repeat(5000);
    expect(await run(`${comments} FROM t`)).toHaveLength(1);
    expect((await run(`${comments} EXPLAIN FROM t`)).length).toBeGreaterThan(0);
  });

  it('says how one PIVOT is one statement', async () => {
    await expect(run('PIVOT t ON b USING sum(a)')).rejects.toThrow(/not 2.*names the values/);
    expect((await run(`PIVOT t ON b IN ('x') USING sum(a)`)).length).toBe(1);
  });

  it.each([
    'FROM t',
    'VALUES (1)',
    'SELECT 1e400 > a FROM t',
    `EXPLAIN (FORMAT 'json', ANALYZE false) FROM t`,
    'EXPLAIN (SELECT 1)',
    'EXPLAIN (FROM t)',
    '-- a comment\n/* and another */ EXPLAIN (ANALYZE, FORMAT json) /* and one */ FROM t -- and so on',
    'DESCRIBE t',
    'SUMMARIZE t',
    'SHOW TABLES',
    'WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) FROM r',
    `FROM pragma_table_info('t')`,
    'SELECT count(*) FROM duckdb_tables()',
    `FROM query_table('t')`,
    'FROM range(3), unnest([1, 2])',
    `FROM json_each('{"a":1}')`,
    `FROM histogram('t', a)`,
    'SELECT now(), random(), list_transform([1], lambda x: x + 1)',
    `FROM (PIVOT t ON b IN ('x') USING sum(a))`,
  ])('reads: %s', async (sql) => {
    expect((await run(sql)).length).toBeGreaterThan(0);
  });

  it.each(['', ' \n', '-- a comment', '/* x */ ;'])('that is empty is told so: %j', async (sql) => {
    await expect(run(sql)).rejects.toMatchObject({
      code: 'SLUICE_QUERY',
      message: expect.stringMatching(/^the query is empty/),
    });
  });
});
