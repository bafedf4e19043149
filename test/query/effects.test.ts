import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { readOnlyRows } from '../../src/query/read-only.js';

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
    'FROM t',
    'VALUES (1)',
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
