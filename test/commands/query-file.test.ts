import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { fileFormat, writeResultFile } from '../../src/commands/query-file.js';
import { rowsOf } from '../../src/core/sql.js';
import { openSql } from '../../src/query/sql-client.js';
import { temporaryDirectory } from '../support/batches.js';
import { queriedDirectory as directory } from '../support/queried.js';

/** What DuckDB reads. */
async function select(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    return await rowsOf(connection, sql);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

describe.each([
  ['the file', false],
  ['the running process', true],
] as const)('a query on %s', (_, live) => {
  it.each(['parquet', 'csv', 'json', 'arrow'])('writes a file, which is whole or not there: %s', async (ending) => {
    const dataDir = await directory(live);
    const path = join(temporaryDirectory(), `result.${ending}`);
    const write = async (sql: string) =>
      writeResultFile(await openSql(dataDir), { sql, path, format: fileFormat(path), beforeKilled: () => {} });
    const columns = `range::INTEGER AS i, range * 12345678901 AS b, (range / 7)::DECIMAL(18, 4) AS d,
      TIMESTAMPTZ '2026-01-02 00:00:00Z' + to_seconds(range) AS t, 'a "text", of ' || range AS s, range % 2 = 0 AS o,
      DATE '2026-01-02' AS day, nullif(range % 3, 1) AS n`;
    const rows = 10_000;
    await write(`SELECT ${columns} FROM range(${rows})`);
    if (ending === 'arrow') {
      const table = tableFromIPC(readFileSync(path));
      expect([table.numRows, table.get(rows - 1)?.s]).toEqual([rows, `a "text", of ${rows - 1}`]);
    } else {
      const [{ different, count }] = await select(
        `SELECT count(*) AS count, (SELECT count(*) FROM (SELECT ${columns} FROM range(${rows})
          EXCEPT ALL FROM '${path}')) AS different FROM '${path}'`,
      );
      expect([count, different]).toEqual([BigInt(rows), 0n]);
    }
    const before = readFileSync(path);
    const failing = `SELECT CASE WHEN range = 9999 THEN error('a bad row')::INTEGER ELSE 1 END FROM range(${rows})`;
    await expect(write(failing)).rejects.toMatchObject({
      code: 'SLUICE_QUERY',
      message: expect.stringContaining('a bad row'),
    });
    expect(readdirSync(dirname(path))).toEqual([`result.${ending}`]);
    expect(readFileSync(path).equals(before)).toBe(true);
    await write(`SELECT ${columns} FROM range(0)`);
    if (ending === 'parquet') expect(await select(`SELECT count(*) AS n FROM '${path}'`)).toEqual([{ n: 0n }]);
    expect(readdirSync(dirname(path))).toEqual([`result.${ending}`]);
  });
});

describe('a Parquet file of a result', () => {
  const write = async (sql: string) => {
    const path = join(temporaryDirectory(), 'result.parquet');
    const client = await openSql(await directory(false));
    await writeResultFile(client, { sql, path, format: 'parquet', beforeKilled: () => {} });
    return path;
  };

  it('has nested columns and those of each width', async () => {
    const columns = `[range, NULL] AS l, {'a': 'x' || range, 'b': [range]} AS s, MAP {'k': range} AS m,
      range::TINYINT AS i8, range::UBIGINT AS u64, 1.5::DECIMAL(38, 10) AS d, 'ab'::BLOB AS b, TIME '01:02:03' AS t`;
    const path = await write(`SELECT ${columns} FROM range(100)`);
    const sql = `SELECT count(*) AS n FROM (SELECT ${columns} FROM range(100) EXCEPT ALL FROM '${path}')`;
    expect(await select(sql)).toEqual([{ n: 0n }]);
  });

  it.each([
    ['SELECT INTERVAL 1 DAY AS i', /column i: INTERVAL .*cast it to VARCHAR/],
    ["SELECT [TIMESTAMP_S '2026-01-01'] AS t", /column t: TIMESTAMP_S .*cast it to TIMESTAMP/],
  ])('says what it cannot hold: %s', async (sql, message) => {
    await expect(write(sql)).rejects.toMatchObject({ code: 'SLUICE_QUERY', message: expect.stringMatching(message) });
  });
});
