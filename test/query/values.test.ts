import { DuckDBInstance, type Json } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { readOnlyRows, shownRows } from '../../src/query/read-only.js';

async function shown(sql: string, { timeZone = 'UTC', wideNumbers = false } = {}): Promise<Json[][]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const rows: Json[][] = [];
    for await (const block of shownRows(await readOnlyRows(connection, sql, { timeZone }), { wideNumbers })) {
      rows.push(...block);
    }
    return rows;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Types whose values are text, or print like theirs. */
const SCALARS = [
  ...[
    'bool',
    'tinyint',
    'smallint',
    'int',
    'bigint',
    'hugeint',
    'uhugeint',
    'utinyint',
    'usmallint',
    'uint',
    'ubigint',
  ],
  ...['bignum', 'date', 'time', 'time_ns', 'timestamp', 'timestamp_s', 'timestamp_ms', 'timestamp_ns', 'time_tz'],
  ...['dec_4_1', 'dec_9_4', 'dec_18_6', 'dec38_10', 'uuid', 'varchar', 'bit', 'small_enum'],
];

describe('values', () => {
  it.each(['UTC', 'America/New_York', 'Asia/Kathmandu'])('are those that ::VARCHAR gives in %s', async (timeZone) => {
    const columns = SCALARS.map((name) => `"${name}"`);
    const texts = columns.map((name) => `${name}::VARCHAR`);
    const own = await shown(`SELECT ${columns.join(', ')} FROM test_all_types()`, { timeZone });
    const cast = await shown(`SELECT ${texts.join(', ')} FROM test_all_types()`, { timeZone });
    expect(own.map((row) => row.map((value) => (value === null ? null : String(value))))).toEqual(cast);
  });

  it.each(['America/New_York', 'Europe/Berlin', 'Australia/Lord_Howe', 'Pacific/Kiritimati', 'UTC'])(
    'have the offset that %s had at their time',
    async (timeZone) => {
      const sql = `SELECT t, t::VARCHAR FROM (SELECT make_timestamptz(i * 10_000_000_000_000 + i) AS t
          FROM range(-3000, 8000) r(i)
        UNION ALL FROM (VALUES (TIMESTAMPTZ '2026-03-08 06:59:59.5Z'), (TIMESTAMPTZ '2026-03-08 07:00:00Z'),
          ('infinity'), ('-infinity'), (TIMESTAMPTZ '290000-07-01 00:00:00Z'),
          (TIMESTAMPTZ '0044-03-15 (BC) 12:00:00Z')))`;
      const rows = await shown(sql, { timeZone });
      expect(rows).toHaveLength(11_006);
      for (const [own, cast] of rows) expect(own).toBe(cast);
    },
  );

  it('refuse a time zone that is none', async () => {
    await expect(shown('SELECT 1', { timeZone: 'Mars/Phobos' })).rejects.toMatchObject({
      code: 'SLUICE_QUERY',
      message: expect.stringContaining('Mars/Phobos'),
    });
  });

  it('have their parts', async () => {
    const sql = `SELECT [1, NULL], {'a': 1::BIGINT, 'b': [DATE '2026-01-02']}, MAP {'k': 2.50}, [1, 2]::INTEGER[2],
      union_value(n := 5), INTERVAL '1 month 2 days 3 seconds', '\\xAA\\x00'::BLOB, 'NaN'::DOUBLE, -0.0::DOUBLE,
      {'x': 1}::VARIANT`;
    expect(await shown(sql)).toEqual([
      [
        [1, null],
        { a: '1', b: ['2026-01-02'] },
        [{ key: 'k', value: '2.50' }],
        [1, 2],
        { tag: 'n', value: 5 },
        { months: 1, days: 2, micros: '3000000' },
        '\\xAA\\x00',
        'NaN',
        '-0',
        { x: 1 },
      ],
    ]);
  });

  it('are shown as DuckDB prints them', async () => {
    const values = [
      "DATE 'infinity'",
      "DATE '-infinity'",
      '1.1::FLOAT',
      '16777216::FLOAT',
      '-1e-40::FLOAT',
      '3.4e38::FLOAT',
    ];
    const sql = `SELECT ${values.join()}, ${values.map((value) => `(${value})::VARCHAR`).join()}`;
    const [row] = await shown(sql);
    expect(row.slice(0, values.length).map((value) => (typeof value === 'number' ? value : String(value)))).toEqual(
      row.slice(values.length).map((text) => (/inf/.test(String(text)) ? text : Number(text))),
    );
    expect(row.slice(0, 3)).toEqual(['infinity', '-infinity', 1.1]);
  });

  it('are numbers if a double is the same, when wide ones may be', async () => {
    const sql = `SELECT 9007199254740992::BIGINT, 9007199254740993::BIGINT, 12.50::DECIMAL(18, 4), [-3]::HUGEINT[],
      99999999999999.9999::DECIMAL(18, 4), 0.1::DECIMAL(2, 1), 0::DECIMAL(18, 4), 100::UBIGINT`;
    expect(await shown(sql, { wideNumbers: true })).toEqual([
      [9_007_199_254_740_992, '9007199254740993', 12.5, [-3], '99999999999999.9999', 0.1, 0, 100],
    ]);
  });

  it('come in small blocks if they are large', async () => {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const { batches } = await readOnlyRows(connection, `SELECT repeat('x', 100_000) FROM range(100)`);
    const sizes: number[] = [];
    for await (const rows of batches) sizes.push(rows.length);
    expect(Math.max(...sizes)).toBeLessThan(12);
    expect(sizes.reduce((a, b) => a + b)).toBe(100);
    connection.closeSync();
    instance.closeSync();
  });
});
