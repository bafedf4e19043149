import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { QueryServer, queryAddress, querySocketPath } from '../../src/query/query-server.js';
import { readOnlyRows } from '../../src/query/read-only.js';
import { RunningQueries } from '../../src/query/running-queries.js';
import { allRows, openSql, readFiles } from '../../src/query/sql-client.js';
import { temporaryDirectory } from '../support/batches.js';

type Options = [queries?: RunningQueries, readerTimeoutMs?: number];

/** A server on a database in memory. */
async function serve(dataDir: string, ...options: Options): Promise<QueryServer> {
  const instance = await DuckDBInstance.create(':memory:');
  const server = await QueryServer.start(instance, dataDir, ...options);
  onTestFinished(async () => {
    await server.close();
    instance.closeSync();
  });
  return server;
}

/** A query that runs until it is interrupted. */
const ENDLESS = 'SELECT count(*) FROM range(10_000_000_000) a, range(1_000_000) b WHERE hash(a.range, b.range) = 1';

function send(dataDir: string, line: string) {
  const socket = createConnection(queryAddress(dataDir));
  const answer = new Promise<string>((resolve) => {
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes;
    });
    socket.on('close', () => resolve(text));
  });
  socket.on('error', () => {});
  socket.write(`${line}\n`);
  return { socket, answer };
}

describe('QueryServer', () => {
  it('replaces the socket of a process that is gone', async () => {
    const dataDir = temporaryDirectory();
    writeFileSync(querySocketPath(dataDir), 'left by a crash');
    await serve(dataDir);
    expect(statSync(querySocketPath(dataDir)).isSocket()).toBe(true);
    expect(readdirSync(dataDir)).toEqual(['query.sock']);
    expect(await allRows(await openSql(dataDir), 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
  });

  it('works in a data directory whose path is too long for a socket', async () => {
    const dataDir = join(temporaryDirectory(), 'x'.repeat(120));
    mkdirSync(dataDir);
    const server = await serve(dataDir);
    const address = queryAddress(dataDir);
    expect(address.startsWith(dataDir)).toBe(false);
    expect(statSync(querySocketPath(dataDir)).mode & 0o777).toBe(0o600);
    expect(await allRows(await openSql(dataDir), 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
    await server.close();
    expect([existsSync(address), existsSync(querySocketPath(dataDir))]).toEqual([false, false]);
  });

  it('names the path if there can be no socket', async () => {
    const instance = await DuckDBInstance.create(':memory:');
    await expect(QueryServer.start(instance, join(temporaryDirectory(), 'absent'))).rejects.toMatchObject({
      code: 'SLUICE_DATA_DIR',
      message: expect.stringContaining('query.sock'),
    });
    instance.closeSync();
  });

  it('interrupts queries whose clients have left, and takes the next ones in turn', async () => {
    const dataDir = temporaryDirectory();
    await serve(dataDir);
    const endless = [1, 2].map(() => send(dataDir, JSON.stringify({ sql: ENDLESS })));
    const waiting = [1, 2, 3].map((n) => send(dataDir, JSON.stringify({ sql: `SELECT ${n} AS n` })));
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (const { socket } of waiting) expect(socket.bytesRead).toBe(0);
    for (const { socket } of endless) socket.destroy();
    const answers = await Promise.all(waiting.map(({ answer }) => answer));
    expect(answers).toEqual(
      [1, 2, 3].map((n) => `{"columns":["n"],"types":[{"typeId":4}]}\n{"rows":[[${n}]]}\n{"done":true}\n`),
    );
  });

  it.each(['running process', 'files'])('begins no query that was given up while connecting: %s', async (what) => {
    const dataDir = temporaryDirectory();
    await serve(dataDir);
    const instance = await DuckDBInstance.create(':memory:');
    const database = { connect: () => instance.connect(), close: () => instance.closeSync() };
    const client = what === 'files' ? readFiles(database) : await openSql(dataDir);
    for (const ask of ['query', 'arrow'] as const) {
      const ending = new AbortController();
      const asked = client[ask](ENDLESS, { signal: ending.signal });
      ending.abort();
      await expect(asked).rejects.toMatchObject({ code: 'SLUICE_QUERY' });
    }
    client.close();
  });

  it('ends the query of a reader that stands still, and tells it when it reads again', async () => {
    const dataDir = temporaryDirectory();
    const queries = new RunningQueries();
    await serve(dataDir, queries, 500);
    const socket = createConnection(queryAddress(dataDir));
    onTestFinished(() => void socket.destroy());
    socket.write(`${JSON.stringify({ sql: "SELECT repeat('x', 1000) FROM range(1_000_000)" })}\n`);
    await new Promise((resolve) => socket.once('readable', resolve));
    await vi.waitFor(() => expect(queries.any).toBe(false), { timeout: 10_000, interval: 10 });
    let text = '';
    for await (const bytes of socket) text += bytes;
    expect(text.slice(text.lastIndexOf('\n', text.length - 2))).toMatch(/^\n\{"error":"the rows were taken too slowly/);
  });

  it('ends the query of a reader that takes a little now and then', async () => {
    const dataDir = temporaryDirectory();
    const queries = new RunningQueries();
    await serve(dataDir, queries, 200);
    const socket = createConnection(queryAddress(dataDir));
    onTestFinished(() => void socket.destroy());
    socket.write(`${JSON.stringify({ sql: "SELECT repeat('x', 1000) FROM range(1_000_000_000)" })}\n`);
    await new Promise((resolve) => socket.once('readable', resolve));
    expect(queries.any).toBe(true);
    while (queries.any) {
      socket.read(10_000);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });

  it('is closed when its last query has ended', async () => {
    const dataDir = temporaryDirectory();
    const queries = new RunningQueries();
    const server = await serve(dataDir, queries);
    const { socket } = send(dataDir, JSON.stringify({ sql: ENDLESS }));
    await vi.waitFor(() => expect(queries.any).toBe(true));
    await server.close();
    expect(queries.any).toBe(false);
    socket.destroy();
  });

  it('answers anything that is not a request with an error', async () => {
    const dataDir = temporaryDirectory();
    await serve(dataDir);
    expect(await send(dataDir, 'SELECT 1').answer).toMatch(/^\{"error":".*JSON.*"\}\n$/);
    expect(await send(dataDir, '{"sql":1}').answer).toMatch(/^\{"error":".+"\}\n$/);
    const tooLong = 'the request has more bytes than the running process takes';
    expect(await send(dataDir, 'x'.repeat(2 << 20)).answer).toBe(`{"error":"${tooLong}"}\n`);
    const failed = { code: 'SLUICE_QUERY', message: tooLong };
    const piece = (bytes: number) => `{"replay":"${'x'.repeat(bytes)}"}`;
    expect(JSON.parse(await send(dataDir, piece(17 << 20)).answer)).toMatchObject({ failed });
    expect(JSON.parse(await send(dataDir, piece(15 << 20)).answer)).toEqual({ error: 'nothing can be replayed here' });
    expect(await allRows(await openSql(dataDir), 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
  });
});

describe('openSql', () => {
  it('says so when the running process ends in the middle of an answer', async () => {
    const dataDir = temporaryDirectory();
    const server = createServer((socket) => {
      socket.once('data', () => socket.end('{"columns":["n"],"types":[{"typeId":4}]}\n{"rows":[[1]]}\n'));
    });
    await new Promise<void>((resolve) => server.listen(querySocketPath(dataDir), resolve));
    onTestFinished(() => void server.close());
    await expect(allRows(await openSql(dataDir), 'SELECT 1 AS n')).rejects.toMatchObject({
      code: 'SLUICE_QUERY',
      message: expect.stringContaining('before the answer was complete'),
    });
  });
});

describe('readOnlyRows', () => {
  const run = async (sql: string): Promise<unknown[][]> => {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    try {
      const rows: unknown[][] = [];
      for await (const batch of (await readOnlyRows(connection, sql)).batches)
        rows.push(...batch.map((row) => [...row]));
      return rows;
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  };

  it.each(['EXPLAIN SELECT 1', '-- why\nexplain analyze select 1', 'EXPLAIN (ANALYZE, FORMAT json) FROM range(3)'])(
    'explains: %s',
    async (sql) => {
      expect((await run(sql)).flat().join('')).toMatch(/PROJECTION|DUMMY_SCAN|RANGE|operator/i);
    },
  );

  describe('of a query that fails after its first rows', () => {
    const ROWS = 300_000;

    it.each([
      ['a value', `SELECT (range || if(range = ${ROWS - 1}, 'x', ''))::INT FROM range(${ROWS})`, /Conversion.*299999x/],
      [
        'a value of a row that is ordered, with a comment at its end',
        `SELECT error(range::VARCHAR) FROM range(${ROWS}) WHERE range = ${ROWS - 1}; -- here`,
        /299999/,
      ],
      [
        'a value that has the name of another',
        `SELECT 1 AS a, error('bad') AS a FROM range(9) WHERE range > 7;`,
        /bad/,
      ],
    ])('fails for %s', async (_, sql, message) => {
      await expect(run(sql)).rejects.toMatchObject({ code: 'SLUICE_QUERY', message: expect.stringMatching(message) });
    });

    it('fails for a file', async () => {
      const folder = temporaryDirectory();
      const [whole, damaged] = ['1.parquet', '2.parquet'].map((name) => join(folder, name));
      await write(whole);
      await write(damaged);
      const bytes = readFileSync(damaged);
      writeFileSync(damaged, bytes.fill(0, 100, bytes.length / 2));
      await expect(run(`FROM read_parquet(['${whole}', '${damaged}'])`)).rejects.toThrow(/Invalid/);
    });

    async function write(path: string) {
      const instance = await DuckDBInstance.create(':memory:');
      const connection = await instance.connect();
      await connection.run(`COPY (SELECT md5(range::VARCHAR) AS text FROM range(${ROWS})) TO '${path}'`);
      connection.closeSync();
      instance.closeSync();
    }

    it('fails if it was interrupted', async () => {
      const instance = await DuckDBInstance.create(':memory:');
      const connection = await instance.connect();
      const { batches } = await readOnlyRows(connection, `SELECT range, repeat('x', 1000) FROM range(${ROWS})`);
      let blocks = 0;
      const taking = (async () => {
        for await (const _ of batches) if (++blocks === 1) connection.interrupt();
      })();
      await expect(taking).rejects.toMatchObject({ code: 'SLUICE_QUERY', message: expect.stringMatching(/again/) });
      connection.closeSync();
      instance.closeSync();
    });
  });

  it('does not explain what would write a file', async () => {
    const path = join(temporaryDirectory(), 'x.csv');
    for (const explain of ['EXPLAIN ANALYZE', '/* x */ explain (analyze)', 'EXPLAIN', 'EXPLAIN EXPLAIN ANALYZE']) {
      await expect(run(`${explain} COPY (SELECT 1) TO '${path}'`)).rejects.toMatchObject({ code: 'SLUICE_QUERY' });
    }
    expect(existsSync(path)).toBe(false);
  });
});
