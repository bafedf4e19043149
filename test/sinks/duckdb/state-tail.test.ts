/** Merges of the tail into the state, on a database alone. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { rowsOf } from '../../../src/core/sql.js';
import type { TableSpec } from '../../../src/schema/spec.js';
import { ORDERS_SPEC } from '../../../src/schema/spec-file.js';
import { migrate } from '../../../src/sinks/duckdb/ddl.js';
import { DUCKDB_LAYOUT } from '../../../src/sinks/duckdb/format.js';
import { DUCKDB_STATE } from '../../../src/sinks/duckdb/merged-row.js';
import { mergeTail, rewriteIfSparse, stateDifferences } from '../../../src/sinks/duckdb/state-merge.js';
import { TOPIC } from '../../support/batches.js';
import { memoryConnection } from '../../support/memory-database.js';

const ALL = 1_000_000;
const UNTYPED: TableSpec = {
  ...ORDERS_SPEC,
  columns: ORDERS_SPEC.columns.map((column) => (column.role === 'key_type' ? { ...column, role: undefined } : column)),
};

async function open(spec: TableSpec = ORDERS_SPEC): Promise<DuckDBConnection> {
  const connection = await memoryConnection();
  await migrate(connection, spec, TOPIC, DUCKDB_LAYOUT, 'table');
  return connection;
}

const all = async (connection: DuckDBConnection, sql: string) =>
  (await rowsOf(connection, sql)).map((row) => Object.values(row));

/** Rows of partition 0, a key (and type) each. */
async function log(connection: DuckDBConnection, from: number, keys: readonly string[]): Promise<void> {
  const rows = keys.map((key, n) => {
    const [id, type = 's'] = key.split('/');
    return `(${from + n}, '${id}', '${type}')`;
  });
  await connection.run(
    `INSERT INTO cdc_orders BY NAME SELECT *, kafka_partition: 0, change_id: kafka_offset::VARCHAR, change_seq: 0,
       kafka_timestamp: make_timestamptz(kafka_offset * 1_000_000)
     FROM (VALUES ${rows.join(', ')}) log(kafka_offset, order_id, order_id_type)`,
  );
}

const STATE = 'SELECT order_id, kafka_offset::INTEGER, "first offset"::INTEGER FROM sluice.state ORDER BY rowid';
const temporary = (connection: DuckDBConnection) =>
  all(connection, 'SELECT table_name FROM duckdb_tables() WHERE temporary');

describe('a merge', () => {
  it.each([
    ['in place', 1000],
    ['anew', 0],
  ])('moves rows of the tail into the state, a part at a time: %s', async (_, manyRows) => {
    const connection = await open();
    expect(await mergeTail(connection, ORDERS_SPEC, ALL, manyRows)).toEqual({ rows: 0, isAll: true, stateRows: 0 });
    await log(connection, 0, ['c', 'a', 'c', 'b', 'a']);
    expect(await mergeTail(connection, ORDERS_SPEC, 3, manyRows)).toEqual({ rows: 3, isAll: false, stateRows: 2 });
    expect(await all(connection, 'SELECT row_id, partition_id, message_offset FROM sluice.merged')).toEqual([
      [2n, 0, 2n],
    ]);
    expect(await mergeTail(connection, ORDERS_SPEC, 3, manyRows)).toEqual({ rows: 2, isAll: true, stateRows: 3 });
    expect((await all(connection, STATE)).sort()).toEqual([
      ['a', 4, 1],
      ['b', 3, 3],
      ['c', 2, 0],
    ]);
    expect(await all(connection, stateDifferences(ORDERS_SPEC, DUCKDB_STATE, true))).toEqual([]);
    expect(await temporary(connection)).toEqual([]);
    expect(await mergeTail(connection, ORDERS_SPEC, 3, manyRows)).toEqual({ rows: 0, isAll: true, stateRows: 3 });
    // As many as it takes: whether there are more, is not known.
    await log(connection, 5, ['a']);
    expect(await mergeTail(connection, ORDERS_SPEC, 1, manyRows)).toEqual({ rows: 1, isAll: false, stateRows: 3 });
  });

  it('writes the state anew, sorted, if it has many rows, and half of those of the state', async () => {
    const connection = await open();
    await log(connection, 0, ['d', 'c', 'b', 'a']);
    await mergeTail(connection, ORDERS_SPEC, ALL, 5);
    const keys = async () => (await all(connection, STATE)).map(([key]) => key).join('');
    expect(await keys()).toBe('dcba');
    await log(connection, 4, ['f']);
    await mergeTail(connection, ORDERS_SPEC, ALL, 1);
    expect(await keys()).toBe('dcbaf');
    // Two are not half of five, three are; but they are not many.
    await log(connection, 5, ['d', 'c', 'b']);
    await mergeTail(connection, ORDERS_SPEC, 2, 1);
    expect((await keys()).slice(0, 3)).toBe('baf');
    await log(connection, 8, ['d', 'c']);
    await mergeTail(connection, ORDERS_SPEC, ALL, 4);
    expect(await keys()).not.toBe('abcdf');
    await log(connection, 10, ['f', 'd', 'c']);
    await mergeTail(connection, ORDERS_SPEC, ALL, 3);
    expect(await keys()).toBe('abcdf');
  });

  it('begins anew if nothing tells what is merged', async () => {
    const connection = await open();
    await log(connection, 0, ['a', 'b']);
    await mergeTail(connection, ORDERS_SPEC, ALL);
    await connection.run(`UPDATE sluice.merged SET row_id = NULL, message_offset = 77;
      UPDATE sluice.state SET order_id = 'gone' WHERE order_id = 'a'`);
    expect(await mergeTail(connection, ORDERS_SPEC, ALL)).toEqual({ rows: 2, isAll: true, stateRows: 2 });
  });

  it.each([
    ['in place', 1000],
    ['anew', 0],
  ])('tells types of a key apart only if there are some: %s', async (_, manyRows) => {
    for (const [spec, offsets] of [
      [ORDERS_SPEC, [2, 3]],
      [UNTYPED, [3]],
    ] as const) {
      const connection = await open(spec);
      await log(connection, 0, ['a/s', 'a/t']);
      await mergeTail(connection, spec, ALL, manyRows);
      await log(connection, 2, ['a/s', 'a/t']);
      await mergeTail(connection, spec, ALL, manyRows);
      const rows = await all(connection, 'SELECT kafka_offset::INTEGER FROM sluice.state ORDER BY ALL');
      expect(rows.flat()).toEqual(offsets);
      expect(await all(connection, stateDifferences(spec, DUCKDB_STATE, true))).toEqual([]);
    }
  });
});

it('first rows count as long as they are there', async () => {
  const connection = await open();
  await log(connection, 0, ['a', 'a', 'b']);
  await mergeTail(connection, ORDERS_SPEC, ALL);
  await connection.run(`UPDATE sluice.state SET "first offset" = 1 WHERE order_id = 'a'`);
  expect(await all(connection, stateDifferences(ORDERS_SPEC, DUCKDB_STATE, false))).toEqual([]);
  expect(await all(connection, stateDifferences(ORDERS_SPEC, DUCKDB_STATE, true))).toEqual([
    ['partition 0, offset 1: other values'],
  ]);
});

describe('a state with deleted rows', () => {
  const made = async (kept: number, deleted: number) => {
    const connection = await open();
    await connection.run(`INSERT INTO sluice.state BY NAME SELECT kafka_partition: 0, kafka_offset: range,
        order_id: (range % 7)::VARCHAR FROM range(${kept + deleted});
      DELETE FROM sluice.state WHERE kafka_offset < ${deleted}`);
    return connection;
  };

  it('is written anew, sorted, from 100 000 of them on', async () => {
    const connection = await made(7, 100_000);
    expect(await rewriteIfSparse(connection, ORDERS_SPEC)).toBe(true);
    const rows = await all(connection, 'SELECT rowid, order_id FROM sluice.state ORDER BY 1');
    expect(rows).toEqual(['0', '1', '2', '3', '4', '5', '6'].map((key, row) => [BigInt(row), key]));
  });

  it.each([
    ['fewer', 7, 99_999],
    ['less than a quarter of the others', 400_004, 100_000],
  ])('stays with %s', async (_, kept, deleted) => {
    expect(await rewriteIfSparse(await made(kept, deleted), ORDERS_SPEC)).toBe(false);
  });

  it('stays without a row', async () => {
    expect(await rewriteIfSparse(await open(), ORDERS_SPEC)).toBe(false);
  });
});
