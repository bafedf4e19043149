import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type QueryFormat, query } from '../../src/commands/query.js';
import { QueryServer, querySocketPath } from '../../src/query/query-server.js';
import { allRows, openSql } from '../../src/query/sql-client.js';
import { makeBatch, openSink, order, temporaryDirectory, token } from '../support/batches.js';
import { runCli } from '../support/cli.js';
import { queriedDirectory as directory } from '../support/queried.js';

async function run(dataDir: string, sql: string, format: QueryFormat, timeZone?: string): Promise<string> {
  let text = '';
  await query(await openSql(dataDir), {
    sql,
    format,
    timeZone,
    write: async (output) => {
      text += Buffer.from(output).toString();
    },
  });
  return text;
}

const SQL = 'SELECT change_id, amount, status, change_seq, extra FROM cdc_orders ORDER BY 1';

describe.each([
  ['the file', false],
  ['the running process', true],
] as const)('a query on %s', (_, live) => {
  it('gives the rows as CSV, JSON and a table', async () => {
    const dataDir = await directory(live);
    const [one, two] = [1, 2].map((second) => second * 2 ** 32);
    const json = await run(dataDir, SQL, 'json');
    expect(
      json
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { change_id: token(1), amount: '99999999999999.9999', status: 'a "b", c', change_seq: one, extra: null },
      { change_id: token(2), amount: null, status: '', change_seq: two, extra: null },
    ]);
    expect(await run(dataDir, SQL, 'csv')).toBe(
      [
        'change_id,amount,status,change_seq,extra',
        `${token(1)},99999999999999.9999,"a ""b"", c",${one},`,
        `${token(2)},,"",${two},`,
        '',
      ].join('\n'),
    );
    expect(await run(dataDir, 'SELECT 1 AS n, NULL AS gone, [1, 2] AS list', 'table')).toBe(
      'n  gone  list\n─  ────  ─────\n1  ∅     [1,2]\n',
    );
  });

  it('gives an Arrow stream', async () => {
    const dataDir = await directory(live);
    const parts: Uint8Array[] = [];
    await query(await openSql(dataDir), {
      sql: 'SELECT 1 AS n, TRUE AS b, change_id FROM cdc_orders ORDER BY 3',
      format: 'arrow',
      write: async (bytes) => void parts.push(bytes as Uint8Array),
    });
    const table = tableFromIPC(Buffer.concat(parts));
    expect(table.toArray().map((row) => row?.toJSON())).toEqual([
      { n: 1, b: true, change_id: token(1) },
      { n: 1, b: true, change_id: token(2) },
    ]);
  });

  it('gives an Arrow stream of each type, with nulls, and the same schema without rows', async () => {
    const dataDir = await directory(live);
    const arrow = async (sql: string) => {
      const parts: Uint8Array[] = [];
      const write = async (bytes: string | Uint8Array) => void parts.push(bytes as Uint8Array);
      await query(await openSql(dataDir), { sql, format: 'arrow', timeZone: 'Asia/Kathmandu', write });
      return tableFromIPC(Buffer.concat(parts));
    };
    const columns = `x::TINYINT AS a, x::UBIGINT AS b, x = 0 AS c, 12.5::DECIMAL(18, 4) AS d, x::FLOAT / 2 AS e,
      nullif(x, 1) AS f, DATE '2026-01-02' AS g, TIMESTAMPTZ '2026-01-02 00:00:00Z' AS h, [x::INTEGER, NULL] AS i,
      {'p': 'q', 'r': nullif(x, 0)} AS j, 'ab'::BLOB AS k, MAP {'k': x::SMALLINT} AS l, sum(x) OVER () AS m,
      [1, 2]::INTEGER[2] AS n, NULL AS o`;
    const table = await arrow(`SELECT ${columns} FROM range(2) r(x)`);
    expect(table.schema.fields.map(({ type }) => String(type))).toEqual([
      ...['Int8', 'Uint64', 'Bool', 'Decimal[18e+4]', 'Float32', 'Int64', 'Date32<DAY>'],
      ...['Timestamp<MICROSECOND, Asia/Kathmandu>', 'List<Int32>', 'Struct<{p:Utf8, r:Int64}>', 'Binary'],
      ...['Map<{key:Utf8, value:Int16}>', 'Decimal[38e0]', 'FixedSizeList[2]<Int32>', 'Int32'],
    ]);
    const [a, b] = table.toArray().map((row) => row?.toJSON());
    expect([a.a, a.b, a.c, a.e, a.f, a.h, [...a.i], a.j.toJSON(), [...a.k], a.l.toJSON(), [...a.n], a.o]).toEqual([
      ...[0, 0n, true, 0, 0n, Date.UTC(2026, 0, 2), [0, null], { p: 'q', r: null }, [97, 98], { k: 0 }, [1, 2], null],
    ]);
    expect([b.a, b.b, b.c, b.e, b.f, b.j.toJSON(), String(b.d), String(b.m)]).toEqual([
      ...[1, 1n, false, 0.5, null, { p: 'q', r: 1n }, '125000', '1'],
    ]);
    const empty = await arrow(`SELECT ${columns} FROM range(0) r(x)`);
    expect([empty.numRows, empty.schema.toString()]).toEqual([0, table.schema.toString()]);
  });

  it('takes parameters, which DuckDB reads as the type that it expects', async () => {
    const client = await openSql(await directory(live));
    const sql = `SELECT change_id FROM cdc_orders WHERE amount > $least AND coalesce(event_time, now()) < $end
      AND status = $status LIMIT $rows`;
    const parameters = { least: '99999999999999.9998', end: '2100-01-01', status: 'a "b", c', rows: '5' };
    const { batches } = await client.query(sql, { parameters });
    const rows = [];
    for await (const block of batches) rows.push(...block);
    expect(rows).toEqual([[token(1)]]);
    await expect(client.query(sql, { parameters: { ...parameters, rows: 'some' } })).rejects.toThrow(/'some'/);
    client.close();
  });

  it('shows times in UTC, or in the zone that is asked for, as DuckDB casts them to text', async () => {
    const dataDir = await directory(live);
    const sql = `SELECT t, t::VARCHAR AS v FROM (VALUES (TIMESTAMPTZ '2026-07-01 00:00:00Z'),
      (TIMESTAMPTZ '2026-01-01 00:00:00Z')) x(t)`;
    expect(await run(dataDir, sql, 'csv')).toBe(
      't,v\n2026-07-01 00:00:00+00,2026-07-01 00:00:00+00\n2026-01-01 00:00:00+00,2026-01-01 00:00:00+00\n',
    );
    const [summer, winter] = ['2026-06-30 20:00:00-04', '2025-12-31 19:00:00-05'];
    const newYork = (format: QueryFormat) => run(dataDir, sql, format, 'America/New_York');
    expect(await newYork('csv')).toBe(`t,v\n${summer},${summer}\n${winter},${winter}\n`);
    expect(await newYork('json')).toBe(`{"t":"${summer}","v":"${summer}"}\n{"t":"${winter}","v":"${winter}"}\n`);
    expect(await newYork('table')).toContain(`\n${summer}  ${summer}\n`);
  });

  it('keeps every character of a text', async () => {
    const dataDir = await directory(live);
    const text = '\u2028 \u2029 \u0085 \r \n "𝄞"';
    const sql = `SELECT '${text}' AS t`;
    expect(await run(dataDir, sql, 'json')).toBe(`${JSON.stringify({ t: text })}\n`);
  });

  it('gives up a result that cannot be written', async () => {
    const dataDir = await directory(live);
    let pieces = 0;
    const write = async () => {
      if (++pieces === 3) throw new Error('no reader');
    };
    const endless = 'FROM range(1_000_000_000_000)';
    await expect(query(await openSql(dataDir), { sql: endless, format: 'json', write })).rejects.toThrow('no reader');
    expect(pieces).toBe(3);
  });

  it('streams a large result', async () => {
    const client = await openSql(await directory(live));
    expect(client.live).toBe(live);
    const { batches } = await client.query("SELECT range AS n, repeat('x', 100) FROM range(100_000)");
    let count = 0;
    for await (const rows of batches) count += rows.length;
    expect(count).toBe(100_000);
    client.close();
  });

  it.each([
    ['DELETE FROM cdc_orders', /only statements that read/],
    ['SELECT 1; SELECT 2', /one statement is allowed, not 2/],
    ['CREATE TABLE x (a INT)', /only statements that read|read-only/],
    [`COPY cdc_orders TO 'x.csv'`, /only statements that read/],
    ['SELECT nothing FROM nowhere', /nowhere/],
    ['SELEC 1', /syntax error/],
  ])('refuses %s', async (sql, message) => {
    const dataDir = await directory(live);
    await expect(run(dataDir, sql, 'csv')).rejects.toMatchObject({
      code: 'SLUICE_QUERY',
      message: expect.stringMatching(message),
    });
    expect(await run(dataDir, 'SELECT count(*) AS n FROM cdc_orders', 'csv')).toBe('n\n2\n');
  });
});

describe('sluice query', () => {
  it.each([
    [['-- why\nSELECT 1 AS n'], 'n\n1\n'],
    [['--format', 'json', '-- why\nSELECT 1 AS n'], '{"n":1}\n'],
    [['-- why\nSELECT 1 AS n', '--format=json'], '{"n":1}\n'],
    [['--', '-- why\nSELECT 1 AS n'], 'n\n1\n'],
    [["SELECT TIMESTAMPTZ '2026-07-01 00:00:00Z' AS t", '--time-zone', 'Asia/Tokyo'], 't\n2026-07-01 09:00:00+09\n'],
  ])('takes %j', async (args, expected) => {
    const env = { DATA_DIR: await directory(false) };
    const { code, stdout, stderr } = await runCli(['query', ...args], { env });
    expect([stderr, stdout, code]).toEqual(['', expected, 0]);
  });

  it.each([
    [[''], /the query is empty/],
    [['-- nothing'], /the query is empty/],
    [['--fromat', 'csv', 'SELECT 1'], /unknown option --fromat/],
    [['SELECT', '1'], /one statement is expected, not 2 arguments/],
    [['--format', 'xml', 'SELECT 1'], /--format must be one of/],
    [['--output', 'x.xls', 'SELECT 1'], /--output x.xls must end with one of \.parquet/],
    [['--output', 'x.csv', '--format', 'csv', 'SELECT 1'], /leave --format out/],
    [['-f', 'absent.sql'], /--file absent.sql cannot be read/],
    [['-f', 'absent.sql', 'SELECT 1'], /the statement or --file, not both/],
    [['--param', 'x', 'SELECT $x'], /--param must be name=value, not x/],
    [['--param', 'y=1', 'SELECT $x'], /no parameter \$y: it has \$x/],
    [['SELECT $x'], /not provided.*x/],
  ])('refuses %j', async (args, message) => {
    const env = { DATA_DIR: await directory(false) };
    const { code, stdout, stderr } = await runCli(['query', ...args], { env });
    expect([stdout, code]).toEqual(['', 2]);
    expect(stderr).toMatch(message);
  });

  it('takes the statement from stdin, or from a file', async () => {
    const env = { DATA_DIR: await directory(false) };
    const input = '-- why\nSELECT 1 AS n; -- that is all\n';
    const file = join(temporaryDirectory(), 'statement.sql');
    writeFileSync(file, input);
    for (const args of [[], ['-'], ['-f', file], ['--file', file, '--format', 'csv']]) {
      const { code, stdout, stderr } = await runCli(['query', ...args], { env, input });
      expect([args, stderr, stdout, code]).toEqual([args, '', 'n\n1\n', 0]);
    }
  });

  it('shows the same times whatever the zone of the process is', async () => {
    const env = { DATA_DIR: await directory(false), TZ: 'America/New_York' };
    const { stdout } = await runCli(['query', "SELECT TIMESTAMPTZ '2026-07-01 00:00:00Z' AS t"], { env });
    expect(stdout).toBe('t\n2026-07-01 00:00:00+00\n');
  });
});

describe('the query socket', () => {
  it('is for its owner only, and is removed when the process closes it', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    const server = await QueryServer.start(sink, dataDir);
    expect(statSync(querySocketPath(dataDir)).mode & 0o777).toBe(0o600);
    await server.close();
    expect(statSync(querySocketPath(dataDir), { throwIfNoEntry: false })).toBeUndefined();
  });

  it('answers while groups are committed, each answer a state between two commits', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    const server = await QueryServer.start(sink, dataDir);
    onTestFinished(() => server.close());
    const client = await openSql(dataDir);
    let committing = true;
    const commits = (async () => {
      for (let group = 0; group < 10; group++) {
        await sink.stage(
          await makeBatch(
            dataDir,
            0,
            group * 500,
            Array.from({ length: 500 }, (_, i) => order(token(group + 1, i))),
          ),
        );
        await sink.commit();
      }
      committing = false;
    })();
    let answers = 0;
    while (committing) {
      const [row] = await allRows(
        client,
        'SELECT (SELECT count(*) FROM cdc_orders) AS rows, (SELECT sum(rows_merged) FROM sluice.batches) AS merged',
      );
      expect(Number(row.rows)).toBe(Number(row.merged ?? 0));
      answers++;
    }
    await commits;
    expect(answers).toBeGreaterThan(0);
  });

  it('says that there is no database yet', async () => {
    await expect(openSql(temporaryDirectory())).rejects.toMatchObject({
      code: 'SLUICE_CONFIG',
      message: expect.stringContaining('no database yet'),
    });
  });
});
