/** What a query holds of a lake's catalog when it has ended, by whatever: Postgres has 100 connections for all. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { QueryServer } from '../../src/query/query-server.js';
import { allRows, openSql, type SqlClient } from '../../src/query/sql-client.js';
import { order, temporaryDirectory, token } from '../support/batches.js';
import { whyNoExtensions } from '../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink, readLake } from '../support/lakes.js';
import { describePostgres } from '../support/postgres.js';

/** More than are used at once, by whoever reads and the sink together. */
const FEW = 10;
/** Of a lake's rows, far more than DuckDB makes before they are taken. */
const LONG = `SELECT range, repeat('x', 1000) AS x FROM range(1_000_000), (SELECT count(*) FROM cdc_orders)`;

describe.skipIf(whyNoExtensions() !== undefined)('a query on a lake', () => {
  describePostgres('with its catalog in Postgres', (postgres) => {
    async function filledLake() {
      const catalog = await postgres().createDatabase();
      const options = lakeOptions(temporaryDirectory(), `postgres:${catalog}`);
      const sink = await openLakeSink(options);
      await sink.stage(await makeLakeBatch(options, 0, 0, [order(token(1))], { epoch: 1 }));
      await sink.commit();
      const connections = async () => {
        const [count] = await postgres().query(
          catalog,
          `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sluice'`,
        );
        return Number(count);
      };
      return { options, sink, connections };
    }

    it('keeps no connection of those that read it, however it ended', { timeout: 60_000 }, async () => {
      const { options, connections } = await filledLake();
      const client = await readLake(options);
      onTestFinished(() => client.close());
      await askOften(client, connections);
    });

    it('keeps no connection of the running process, however it ended', { timeout: 60_000 }, async () => {
      const { options, sink, connections } = await filledLake();
      const server = await QueryServer.start(sink, options.dataDir);
      onTestFinished(() => server.close());
      await askOften(await openSql(options.dataDir), connections);
    });
  });
});

const ENDS: [string, (client: SqlClient) => Promise<void>][] = [
  ['taken', (client) => taken(client, 'SELECT count(*) FROM cdc_orders', Number.POSITIVE_INFINITY)],
  ['taken in part', (client) => taken(client, LONG, 1)],
  ['taken in part, as Arrow', (client) => takenAsArrow(client, LONG)],
  ['failed', (client) => expect(taken(client, 'SELECT no_column FROM cdc_orders', 1)).rejects.toThrow('no_column')],
  ['given up', givenUp],
];

async function askOften(client: SqlClient, connections: () => Promise<number>): Promise<void> {
  for (const [how, ask] of ENDS) {
    for (let asked = 0; asked < 2 * FEW; asked++) await ask(client);
    // Who gave up does not wait for its end, but the next one does.
    await allRows(client, 'FROM sluice.meta');
    expect(await connections(), how).toBeLessThan(FEW);
  }
}

async function taken(client: SqlClient, sql: string, blocks: number): Promise<void> {
  let count = 0;
  for await (const _ of (await client.query(sql)).batches) if (++count === blocks) return;
}

async function takenAsArrow(client: SqlClient, sql: string): Promise<void> {
  for await (const _ of (await client.arrow(sql)).pieces) return;
}

async function givenUp(client: SqlClient): Promise<void> {
  const ending = new AbortController();
  const { batches } = await client.query(LONG, { signal: ending.signal });
  const taking = (async () => {
    for await (const _ of batches) ending.abort();
  })();
  await expect(taking).rejects.toThrow();
}
