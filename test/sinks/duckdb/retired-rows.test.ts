import { beforeEach, describe, expect, it } from 'vitest';
import { rowsOf } from '../../../src/core/sql.js';
import { ORDERS_SPEC, parseSpec } from '../../../src/schema/spec-file.js';
import { migrate } from '../../../src/sinks/duckdb/ddl.js';
import { openRetention } from '../../../src/sinks/duckdb/retention-tables.js';
import {
  countRetired,
  deleteChanges,
  findOld,
  hasOldQuarantine,
  nextLeaving,
  retiredRows,
  retireQuarantine,
} from '../../../src/sinks/duckdb/retired-rows.js';
import { TOPIC } from '../../support/batches.js';
import { memoryConnection } from '../../support/memory-database.js';
import { HOUR_MS } from '../../support/retaining.js';

let connection: Awaited<ReturnType<typeof memoryConnection>>;
const all = async (sql: string) => (await rowsOf(connection, sql)).map((row) => Object.values(row));

/** Offsets 0 to 6 of both partitions are two hours old, in two batches; 6 to 9 are new. */
beforeEach(async () => {
  connection = await memoryConnection();
  await migrate(connection, ORDERS_SPEC, TOPIC);
  await openRetention(connection);
  await connection.run(
    `INSERT INTO sluice.batches BY NAME SELECT topic: '${TOPIC}', partition_id, start_offset: n * 3,
       next_offset: n * 3 + 3,
       committed_at: now() - to_hours(CASE WHEN n < 2 THEN 2 ELSE 0 END)
     FROM range(3) r(n), range(2) p(partition_id)`,
  );
});

const log = (rows: string) =>
  connection.run(
    `INSERT INTO cdc_orders BY NAME SELECT *, change_id: 'c' || kafka_partition || kafka_offset, change_seq: 1
     FROM (VALUES ${rows}) log(kafka_partition, kafka_offset, order_id, order_id_type)`,
  );
const found = () => all('SELECT kafka_partition, kafka_offset, part FROM found ORDER BY ALL');
const temporary = () => all('SELECT table_name FROM duckdb_tables() WHERE temporary');

describe('old changes', () => {
  it('leave if a later one has their key and type; the last of each partition stays', async () => {
    await log(`(0, 0, 'a', 's'), (0, 1, 'a', 's'), (0, 2, 'a', 's'), (1, 0, 'a', 's'), (1, 1, 'b', 's'),
      (1, 7, 'b', 's'),
      (0, 6, 'c', 's'), (0, 7, 'c', 's'), (0, 3, NULL, 's'), (0, 4, NULL, 's')`);
    expect(await findOld(connection, ORDERS_SPEC, HOUR_MS, 'temp.found', undefined)).toBe(3);
    expect(await found()).toEqual([
      [0, 0n, 0n],
      [0, 1n, 0n],
      [1, 1n, 0n],
    ]);
    expect(await temporary()).toEqual([['found']]);
  });

  it('stay of keys of several types, or with a row without one', async () => {
    await log(`(0, 0, 'a', 's'), (0, 1, 'a', 's'), (0, 2, 'a', 't'), (0, 3, 'b', NULL), (0, 4, 'b', NULL),
      (0, 5, 'b', 's'), (1, 0, 'c', NULL), (1, 1, 'c', NULL), (1, 2, 'd', 's'), (1, 3, 'd', 's')`);
    expect(await findOld(connection, ORDERS_SPEC, HOUR_MS, 'temp.found', undefined)).toBe(1);
    expect(await found()).toEqual([[1, 2n, 0n]]);
  });

  it('leave of all types alike if the spec tells none apart', async () => {
    const columns = ORDERS_SPEC.columns.map((column) =>
      column.role === 'key_type' ? { ...column, role: undefined } : column,
    );
    await log(`(0, 0, 'a', 's'), (0, 1, 'a', 't'), (0, 2, 'a', NULL)`);
    expect(await findOld(connection, { ...ORDERS_SPEC, columns }, HOUR_MS, 'temp.found', undefined)).toBe(2);
    expect(await found()).toEqual([
      [0, 0n, 0n],
      [0, 1n, 0n],
    ]);
  });

  it('leave if they are in the state, and not a row of it', async () => {
    await log(`(0, 0, 'a', 's'), (0, 1, 'a', 's'), (0, 2, 'a', 's')`);
    await connection.run('CREATE TABLE state AS SELECT * FROM cdc_orders WHERE kafka_offset = 1');
    const state = { state: 'state', merged: '(FROM cdc_orders WHERE kafka_offset < 2)' };
    expect(await findOld(connection, ORDERS_SPEC, HOUR_MS, 'temp.found', state)).toBe(1);
    expect(await found()).toEqual([[0, 0n, 0n]]);
    expect(await all('SELECT count(*)::INTEGER FROM state')).toEqual([[1]]);
  });

  it('leave in parts', async () => {
    await connection.run(
      `INSERT INTO sluice.batches BY NAME SELECT topic: '${TOPIC}', partition_id: 2, start_offset: 0,
         next_offset: 300_000,
         committed_at: now() - INTERVAL 2 HOURS;
       INSERT INTO cdc_orders BY NAME SELECT 2 AS kafka_partition, range AS kafka_offset, 'a' AS order_id,
         's' AS order_id_type, range::VARCHAR AS change_id, 0 AS change_seq FROM range(100_002)`,
    );
    expect(await findOld(connection, ORDERS_SPEC, HOUR_MS, 'temp.found', undefined)).toBe(100_001);
    expect(await all('SELECT part, count(*)::INTEGER, min(kafka_offset) FROM found GROUP BY 1 ORDER BY 1')).toEqual([
      [0n, 100_000, 0n],
      [1n, 1, 100_000n],
    ]);
  });

  it('are remembered by their ids, if they have any', async () => {
    await log(`(0, 0, 'a', 's'), (0, 1, 'a', 's')`);
    await connection.run('CREATE TABLE old AS SELECT 0 AS kafka_partition, 0::BIGINT AS kafka_offset');
    const rows = async (within?: string) => await rowsOf(connection, retiredRows(ORDERS_SPEC, TOPIC, 'old', within)!);
    expect(await rows()).toEqual([
      { topic: TOPIC, partition_id: 0, message_offset: 0n, change_id: 'c00', change_seq: 1n },
    ]);
    expect(await rows('kafka_offset > 0')).toEqual([]);
    const columns = [{ name: 'k', kind: 'text', required: true, role: 'key' }];
    const without = parseSpec(JSON.stringify({ table: 't', view: 'v', columns }), 'of the test');
    expect(retiredRows(without, TOPIC, 'old')).toBeUndefined();
  });

  it('are deleted as far as they are meant', async () => {
    await log(`(0, 0, 'a', 's'), (0, 1, 'a', 's'), (1, 0, 'a', 's')`);
    await connection.run(
      'CREATE TABLE old AS FROM (VALUES (0, 0::BIGINT), (0, 1), (0, 2)) old(kafka_partition, kafka_offset)',
    );
    expect(await deleteChanges(connection, ORDERS_SPEC, 'old', 'kafka_offset > 0')).toBe(1);
    expect(await deleteChanges(connection, ORDERS_SPEC, 'old')).toBe(1);
    expect(await all('SELECT kafka_partition, kafka_offset FROM cdc_orders')).toEqual([[1, 0n]]);
  });
});

describe('old messages of the quarantine', () => {
  const quarantine = (values: string) =>
    connection.run(
      `INSERT INTO sluice.quarantine BY NAME SELECT topic: '${TOPIC}', *, reason: 'malformed'
       FROM (VALUES ${values}) messages(partition_id, message_offset)`,
    );
  const counted = () =>
    all(`SELECT partition_id, start_offset, quarantine_retired FROM sluice.batches WHERE quarantine_retired > 0
      ORDER BY ALL`);

  it('leave, and their batches count them', async () => {
    await quarantine('(0, 0), (0, 2), (0, 5), (0, 6), (1, 3), (1, 8)');
    expect(await hasOldQuarantine(connection, HOUR_MS)).toBe(true);
    expect(await hasOldQuarantine(connection, 3 * HOUR_MS)).toBe(false);
    expect(await retireQuarantine(connection, HOUR_MS)).toBe(4);
    expect(await all('SELECT partition_id, message_offset FROM sluice.quarantine ORDER BY ALL')).toEqual([
      [0, 6n],
      [1, 8n],
    ]);
    expect(await counted()).toEqual([
      [0, 0n, 2n],
      [0, 3n, 1n],
      [1, 3n, 1n],
    ]);
    expect(await hasOldQuarantine(connection, HOUR_MS)).toBe(false);
    expect(await retireQuarantine(connection, HOUR_MS)).toBe(0);
    expect(await temporary()).toEqual([]);
  });

  it('leave a part at a time', async () => {
    await quarantine('(0, 0), (0, 1), (0, 2)');
    expect([await retireQuarantine(connection, HOUR_MS, 2), await retireQuarantine(connection, HOUR_MS, 2)]).toEqual([
      2, 1,
    ]);
    expect(await counted()).toEqual([[0, 0n, 3n]]);
  });
});

it('a message that leaves and is of no batch, or of two, stops the process', async () => {
  await connection.run('CREATE TABLE old AS FROM (VALUES (0, 1::BIGINT), (0, 77)) old(kafka_partition, kafka_offset)');
  await expect(countRetired(connection, 'rows_retired', 'old', 2)).rejects.toThrow('is of one batch');
  await connection.run(`DELETE FROM old WHERE kafka_offset = 77;
    INSERT INTO sluice.batches BY NAME SELECT * REPLACE (1 AS start_offset) FROM sluice.batches
      WHERE start_offset = 0`);
  await expect(countRetired(connection, 'rows_retired', 'old', 1)).rejects.toThrow('is of one batch');
  expect(await all('SELECT DISTINCT rows_retired FROM sluice.batches')).toEqual([[0n]]);
});

it('each table of what leaves has a name of its own', () => {
  const [first, second] = [nextLeaving(), nextLeaving()];
  expect(first).toMatch(/^temp\.leaving_\d+$/);
  expect(second).not.toBe(first);
});
