import { expect, it, vi } from 'vitest';
import { rowsOf } from '../../../src/core/sql.js';
import { allRows, openSql } from '../../../src/query/sql-client.js';
import { ORDERS_SPEC } from '../../../src/schema/spec-file.js';
import type { DuckDbSink } from '../../../src/sinks/duckdb/sink.js';
import { rewriteIfSparse } from '../../../src/sinks/duckdb/state-merge.js';
import { openSink, select, temporaryDirectory } from '../../support/batches.js';
import { ALL, merge, openQuiet, write } from '../../support/states.js';
import { problems } from '../../support/verifying.js';

const merged = (sink: DuckDbSink) => select(sink, 'SELECT message_offset FROM sluice.merged');

it('the state is written anew when many of its rows are deleted ones', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openQuiet(dataDir, 'table');
  await write(sink, dataDir, 0, [{ id: '0', key: 'a' }]);
  await merge(sink);
  const connection = await sink.connect();
  expect(await rewriteIfSparse(connection, ORDERS_SPEC)).toBe(false);
  await connection.run(`INSERT INTO sluice.state BY NAME
    SELECT 'none' AS change_id, 7 AS kafka_partition, range AS kafka_offset FROM range(200_000)`);
  await connection.run(`INSERT INTO sluice.state FROM sluice.state WHERE change_id = '0'`);
  await connection.run(`DELETE FROM sluice.state WHERE change_id = 'none' OR rowid = 0`);
  await connection.run('BEGIN');
  expect(await rewriteIfSparse(connection, ORDERS_SPEC)).toBe(true);
  await connection.run('COMMIT');
  expect((await rowsOf(connection, 'SELECT max(rowid) AS last FROM sluice.state'))[0].last).toBe(0n);
  connection.closeSync();
  await write(sink, dataDir, 1, [{ id: '1', key: 'b' }]);
  expect(await merge(sink)).toBe(1);
  await sink.close();
  expect(await problems(dataDir)).toEqual([]);
});

it('the state is not what the view reads while the tail is long', { timeout: 60_000 }, async () => {
  const dataDir = temporaryDirectory();
  const view = `SELECT sql LIKE '%tail key%' FROM duckdb_views() WHERE view_name = 'orders'`;
  const quiet = await openQuiet(dataDir, 'table');
  await write(quiet, dataDir, 0, [{ id: '0', key: 'a' }]);
  expect(await select(quiet, view)).toEqual([[true]]);
  await select(
    quiet,
    `INSERT INTO cdc_orders BY NAME SELECT n::VARCHAR AS change_id, (n % 9)::VARCHAR AS order_id, 'n' AS status,
       0 AS kafka_partition, n AS kafka_offset, n::UBIGINT AS change_seq FROM range(1, 1_000_001) t(n)`,
  );
  await quiet.close();
  const long = await openQuiet(dataDir, 'table');
  await vi.waitFor(async () => expect(await select(long, view)).toEqual([[false]]), 10_000);
  expect(await select(long, 'SELECT count(*) FROM orders')).toEqual([[10n]]);
  await long.close();
  const sink = await openSink(dataDir, { state: 'table' });
  await vi.waitFor(async () => expect(await merged(sink)).toEqual([[1_000_000n]]), 30_000);
  await vi.waitFor(async () => expect(await select(sink, view)).toEqual([[true]]), 10_000);
  expect(await select(sink, 'SELECT count(*) FROM orders')).toEqual([[10n]]);
});

it('a query of a view that was kept reads only the columns that it asks for', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openQuiet(dataDir, 'table');
  await write(sink, dataDir, 0, [{ id: '0', key: 'a' }]);
  await merge(sink);
  await write(sink, dataDir, 1, [{ id: '1', key: 'b' }]);
  await sink.close();
  const client = await openSql(dataDir);
  const [{ explain_value: plan }] = await allRows(
    client,
    'EXPLAIN (FORMAT json) SELECT status, count(*) FROM orders GROUP BY ALL',
  );
  client.close();
  expect(plan).toMatch(/sluice\.state[^}]*"status"/);
  expect(plan).not.toMatch(/customer_email|"CTE"/);
});

it('the state is written anew, sorted by key, when much is merged', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openQuiet(dataDir, 'table');
  await write(sink, dataDir, 0, [
    { id: '0', key: 'c' },
    { id: '1', key: 'a' },
    { id: '2', key: 'd' },
  ]);
  const keys = () => select(sink, 'SELECT order_id, change_id FROM sluice.state ORDER BY rowid');
  await merge(sink, ALL, ORDERS_SPEC, 0);
  expect(await keys()).toEqual([
    ['a', '1'],
    ['c', '0'],
    ['d', '2'],
  ]);
  await write(sink, dataDir, 3, [
    { id: '3', key: 'd' },
    { id: '4', key: 'b' },
  ]);
  await merge(sink, ALL, ORDERS_SPEC, 0);
  const anew = [
    ['a', '1'],
    ['b', '4'],
    ['c', '0'],
    ['d', '3'],
  ];
  expect(await keys()).toEqual(anew);
  await write(sink, dataDir, 5, [{ id: '5', key: 'b' }]);
  // One row is fewer than half of four: it is put beside them.
  await merge(sink, ALL, ORDERS_SPEC, 0);
  expect(await keys()).toEqual([...anew.filter(([key]) => key !== 'b'), ['b', '5']]);
  await sink.close();
  expect(await problems(dataDir)).toEqual([]);
});
