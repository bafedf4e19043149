import { statSync } from 'node:fs';
import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type QueryFormat, query } from '../../src/commands/query.js';
import { QueryServer, querySocketPath } from '../../src/query/query-server.js';
import { allRows, openSql } from '../../src/query/sql-client.js';
import { makeBatch, openSink, order, temporaryDirectory, token } from '../support/batches.js';

const MESSAGES = [
  order(token(1), { amount: '99999999999999.9999', status: 'a "b", c' }),
  order(token(2), { status: '' }),
];

/** A data directory with two rows; with a server on it when `live`. */
async function directory(live: boolean): Promise<string> {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await sink.stage(await makeBatch(dataDir, 0, 0, MESSAGES));
  await sink.commit();
  if (live) {
    const server = await QueryServer.start(sink.instance, dataDir);
    onTestFinished(() => server.close());
  } else await sink.close();
  return dataDir;
}

async function run(dataDir: string, sql: string, format: QueryFormat): Promise<string> {
  let text = '';
  await query({
    dataDir,
    sql,
    format,
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
    const [one, two] = [1, 2].map((second) => String(BigInt(second) << 32n));
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
    await query({
      dataDir,
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

  it('gives an Arrow stream of each type, with nulls and without rows', async () => {
    const dataDir = await directory(live);
    const arrow = async (sql: string) => {
      const parts: Uint8Array[] = [];
      const write = async (bytes: string | Uint8Array) => void parts.push(bytes as Uint8Array);
      await query({ dataDir, sql, format: 'arrow', write });
      return tableFromIPC(Buffer.concat(parts));
    };
    const columns = `1::DOUBLE / x AS ratio, x = 0 AS b, x::BIGINT AS big, [x] AS list, nullif(x, 1) AS "null"`;
    const table = await arrow(`SELECT ${columns} FROM range(2) r(x)`);
    expect(table.toArray().map((row) => row?.toJSON())).toEqual([
      { ratio: Number.POSITIVE_INFINITY, b: true, big: '0', list: '["0"]', null: '0' },
      { ratio: 1, b: false, big: '1', list: '["1"]', null: null },
    ]);
    const empty = await arrow(`SELECT ${columns} FROM range(0) r(x)`);
    expect([empty.numRows, empty.schema.toString()]).toEqual([0, table.schema.toString()]);
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
      if (++pieces === 3) throw new Error('nobody reads');
    };
    const endless = 'FROM range(1_000_000_000_000)';
    await expect(query({ dataDir, sql: endless, format: 'json', write })).rejects.toThrow('nobody reads');
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

describe('the query socket', () => {
  it('is for its owner only, and gone when the process has closed it', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    const server = await QueryServer.start(sink.instance, dataDir);
    expect(statSync(querySocketPath(dataDir)).mode & 0o777).toBe(0o600);
    await server.close();
    expect(statSync(querySocketPath(dataDir), { throwIfNoEntry: false })).toBeUndefined();
  });

  it('answers while groups are committed, each answer a state between two commits', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    const server = await QueryServer.start(sink.instance, dataDir);
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
