/** Sluice's tables and their format, on a database alone. */
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { rowsOf } from '../../../src/core/sql.js';
import { ORDERS_SPEC } from '../../../src/schema/spec-file.js';
import { checkFormat, checkTopic, DUCKDB_LAYOUT, issueBits, openFormat } from '../../../src/sinks/duckdb/format.js';
import { TOPIC } from '../../support/batches.js';
import { memoryConnection } from '../../support/memory-database.js';
import { FORMAT_1_TOPIC, unpacked } from '../../support/old-directories.js';

const all = async (connection: DuckDBConnection, sql: string) =>
  (await rowsOf(connection, sql)).map((row) => Object.values(row));
const COLUMNS = `SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns()
  WHERE schema_name = 'sluice' AND database_name = current_database() ORDER BY table_name, column_index`;
const META = 'SELECT format_version, created_format FROM sluice.meta';

/** The database of a directory that an earlier version made. */
async function earlier(format: number): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(join(unpacked(format), 'analytics.db'));
  const connection = await instance.connect();
  onTestFinished(() => {
    connection.closeSync();
    instance.closeSync();
  });
  return connection;
}

/** A database of today, with a row of sluice.meta. */
async function current(format = 3): Promise<DuckDBConnection> {
  const connection = await memoryConnection();
  await openFormat(connection, TOPIC);
  await connection.run(`INSERT INTO sluice.meta BY NAME SELECT format_version: ${format}, created_format: 3,
    topic: '${TOPIC}', spec: '{}', spec_hash: 'h', changed_at: now()`);
  return connection;
}

describe('an older database', () => {
  it('has what a new one has, in the same order', async () => {
    const fresh = await memoryConnection();
    await openFormat(fresh, TOPIC);
    const tables = await all(fresh, COLUMNS);
    expect(new Set(tables.map(([table]) => table))).toEqual(
      new Set(['batches', 'columns', 'markers', 'meta', 'positions', 'quarantine']),
    );
    const old = await earlier(2);
    await openFormat(old, 'cdc_orders');
    const isOfMeta = ([table]: unknown[]) => table === 'meta' || table === 'positions' || table === 'quarantine';
    expect((await all(old, COLUMNS)).filter(isOfMeta)).toEqual(tables.filter(isOfMeta));
    const names = (rows: unknown[][]) => rows.map(([table, column]) => `${table}.${column}`).sort();
    expect(names(await all(old, COLUMNS))).toEqual(names(tables));
  });

  it('of format 1 gets its bits from the order of its columns, and starts from its ledger', async () => {
    const connection = await earlier(1);
    await connection.run('DELETE FROM sluice.batches WHERE partition_id = 0 OR start_offset = 0');
    const [[spec]] = await all(connection, 'SELECT spec FROM sluice.meta');
    const names = (JSON.parse(String(spec)) as { columns: { name: string }[] }).columns.map(({ name }) => name);
    await openFormat(connection, FORMAT_1_TOPIC);
    expect(await all(connection, 'SELECT name, issue_bit FROM sluice.columns ORDER BY issue_bit')).toEqual(
      names.map((name, bit) => [name, bit]),
    );
    expect(await all(connection, META)).toEqual([[3, 1]]);
    const starts = `SELECT partition_id, start_reason, first_offset, first_offset = next_offset,
      first_offset = (SELECT min(start_offset) FROM sluice.batches b WHERE b.partition_id = positions.partition_id)
      FROM sluice.positions ORDER BY ALL`;
    expect(await all(connection, starts)).toEqual([
      [0, 'unknown', 27n, true, null],
      [1, 'unknown', expect.anything(), false, true],
    ]);
  });

  it('of format 2 keeps its bits, and loses markers', async () => {
    const connection = await earlier(2);
    await connection.run(`UPDATE sluice.columns SET issue_bit = 50 WHERE issue_bit = 0`);
    await openFormat(connection, 'cdc_orders');
    expect(await all(connection, META)).toEqual([[3, 2]]);
    expect(
      await all(connection, 'SELECT max(issue_bit), (SELECT count(*) FROM sluice.markers) FROM sluice.columns'),
    ).toEqual([[50, 6n]]);
  });

  it('stays as it was if it cannot be brought up to date, with the reason', async () => {
    const connection = await earlier(1);
    await connection.run('CREATE SCHEMA IF NOT EXISTS sluice; CREATE TABLE sluice.markers (other INTEGER)');
    const before = await all(connection, COLUMNS);
    await expect(openFormat(connection, FORMAT_1_TOPIC)).rejects.toThrow('Table "markers" does not have');
    expect(await all(connection, COLUMNS)).toEqual(before);
    const run = connection.run.bind(connection);
    vi.spyOn(connection, 'run').mockImplementation(async (sql, ...more) => {
      const result = await run(sql, ...more);
      if (sql === 'ROLLBACK') throw new Error('no connection');
      return result;
    });
    await expect(openFormat(connection, FORMAT_1_TOPIC)).rejects.toThrow('Table "markers" does not have');
  });
});

describe('a database of today', () => {
  it('is left as it is, whether or not anything has left', async () => {
    for (const format of [3, 4]) {
      const connection = await current(format);
      await connection.run(`CREATE VIEW sluice.rest AS SELECT 1`);
      const statements = vi.spyOn(connection, 'run');
      await openFormat(connection, TOPIC);
      expect(await all(connection, META)).toEqual([[format, 3]]);
      const run = statements.mock.calls.map(([sql]) => String(sql)).join(';\n');
      expect(run).not.toMatch(/UPDATE|DELETE|quarantine ALTER|ADD COLUMN IF NOT EXISTS (leader_epoch|cluster_id)/);
    }
  });

  it('gets the parts that were added without a new format', async () => {
    const connection = await current();
    const columns = ['schema_ids', 'failed_expectations', 'rows_late'];
    for (const column of columns) await connection.run(`ALTER TABLE sluice.batches DROP COLUMN ${column}`);
    await connection.run('ALTER TABLE sluice.quarantine ALTER COLUMN value SET NOT NULL');
    await openFormat(connection, TOPIC);
    const found = (await all(connection, COLUMNS)).map(([, column, , isNullable]) => [column, isNullable]);
    expect(found).toEqual(expect.arrayContaining([...columns.map((name) => [name, true]), ['value', true]]));
  });

  it('has positions as its layout says', async () => {
    const connection = await memoryConnection();
    const positions = 'CREATE TABLE sluice.positions (x INTEGER)';
    const addedToPositions = ['positions ADD COLUMN IF NOT EXISTS y INTEGER'];
    await openFormat(connection, TOPIC, { ...DUCKDB_LAYOUT, positions, addedToPositions });
    const rows = (await all(connection, COLUMNS)).filter(([table]) => table === 'positions');
    expect(rows.map(([, column]) => column)).toEqual(['x', 'y']);
  });

  it('is refused to an older Sluice, for another topic, and with another key', async () => {
    const empty = await memoryConnection();
    await checkFormat(empty, 'any', 'key');
    await openFormat(empty, TOPIC);
    await checkFormat(empty, 'any', 'key');
    const connection = await current(4);
    await checkFormat(connection, TOPIC);
    await checkFormat(connection, TOPIC, 'key');
    const refusals = async (topic: string, text: string, key?: string) => {
      const error = { code: 'SLUICE_CONFIG', message: expect.stringContaining(text) };
      await expect(checkFormat(connection, topic, key)).rejects.toMatchObject(error);
      if (key === undefined) await expect(openFormat(connection, topic)).rejects.toMatchObject(error);
    };
    await refusals('other', `holds the topic ${TOPIC}, KAFKA_TOPIC is other`);
    await connection.run(`ALTER TABLE sluice.meta ADD COLUMN mask_key_id VARCHAR DEFAULT 'first'`);
    await refusals(TOPIC, 'of the key first, MASK_KEY_FILE has the key second', 'second');
    await connection.run('UPDATE sluice.meta SET format_version = 5');
    await refusals(TOPIC, 'has format 5, this Sluice writes 4');
    checkTopic(TOPIC, TOPIC);
  });
});

it('bits of issues follow the highest that was ever given', async () => {
  const connection = await memoryConnection();
  await openFormat(connection, TOPIC);
  const spec = (...names: string[]) => ({
    ...ORDERS_SPEC,
    columns: names.map((name) => ({ ...ORDERS_SPEC.columns[0], name })),
  });
  const known = () => all(connection, 'SELECT name, issue_bit FROM sluice.columns ORDER BY issue_bit');
  expect(await issueBits(connection, spec('a', 'b'))).toEqual([0, 1]);
  await connection.run(`UPDATE sluice.columns SET issue_bit = 7 WHERE name = 'a'`);
  expect(await issueBits(connection, spec('c', 'b', 'a'))).toEqual([8, 1, 7]);
  expect(await issueBits(connection, spec('c', 'b'))).toEqual([8, 1]);
  expect(await known()).toEqual([
    ['b', 1],
    ['a', 7],
    ['c', 8],
  ]);
  const many = (count: number) => spec(...Array.from({ length: count }, (_, index) => `n${index}`));
  await expect(issueBits(connection, many(62))).rejects.toMatchObject({
    code: 'SLUICE_SPEC_CHANGED',
    message: expect.stringContaining('has had 3 columns in this data directory, the table spec adds 62'),
  });
  expect(await known()).toHaveLength(3);
});
