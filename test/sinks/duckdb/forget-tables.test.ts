import type { DuckDBConnection } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { rowsOf } from '../../../src/core/sql.js';
import { ORDERS_SPEC } from '../../../src/schema/spec-file.js';
import { migrate } from '../../../src/sinks/duckdb/ddl.js';
import {
  FORGOTTEN,
  findLeaving,
  forgetTarget,
  leave,
  leavingQuarantine,
} from '../../../src/sinks/duckdb/forget-tables.js';
import { REPLAYS } from '../../../src/sinks/duckdb/replay-tables.js';
import { openRetention } from '../../../src/sinks/duckdb/retention-tables.js';
import { TOPIC } from '../../support/batches.js';
import { memoryConnection } from '../../support/memory-database.js';

const KEY = { topic: TOPIC, spec: ORDERS_SPEC, keyHash: 'h' };
const all = async (connection: DuckDBConnection, sql: string) =>
  (await rowsOf(connection, sql)).map((row) => Object.values(row));

/** Of both partitions, the batches 0–10 and 10–20, in whose counts and tables are messages at the same offsets. */
async function tables(): Promise<DuckDBConnection> {
  const connection = await memoryConnection();
  await migrate(connection, ORDERS_SPEC, TOPIC);
  const messages = (sql: string, offsets: string) =>
    `INSERT INTO ${sql} FROM range(2) p(partition), (VALUES ${offsets}) o(place)`;
  await connection.run(
    `INSERT INTO sluice.batches BY NAME SELECT topic: '${TOPIC}', partition_id, start_offset: n * 10,
       next_offset: n * 10 + 10, committed_at: now(), rows_merged: 6, rows_duplicate: 2, rows_quarantined: 2,
       failed_expectations: MAP {'expectation:x': 2, 'expectation:y': 1}
     FROM range(2) r(n), range(2) p(partition_id);
     ${messages('cdc_orders BY NAME SELECT kafka_partition: partition, kafka_offset: place', '(0), (1), (9), (10)')};
     ${messages(
       `sluice.quarantine BY NAME SELECT topic: '${TOPIC}', partition_id: partition, message_offset: place,
         reason: 'expectation:x'`,
       '(4), (5), (14)',
     )}`,
  );
  return connection;
}

const LEAVING = `FROM (VALUES (0, 0, 'merged'), (0, 1, 'merged'), (0, 3, 'duplicate'), (0, 4, 'quarantined'),
  (0, 10, 'merged'), (0, 11, 'retired'), (1, 9, 'merged')) leaving(partition_id, message_offset, was)`;
const [X, Y] = ['x', 'y'].map((name) => `failed_expectations['expectation:${name}']::INTEGER`);
const COUNTS = `SELECT partition_id, start_offset, rows_merged, rows_duplicate, rows_quarantined, rows_tombstone,
  ${X}, ${Y} FROM sluice.batches ORDER BY ALL`;
const CHANGES = 'SELECT kafka_partition, kafka_offset FROM cdc_orders ORDER BY ALL';
const placesIn = (table: string) => `SELECT partition_id, message_offset FROM sluice.${table} ORDER BY ALL`;

describe('messages of a key', () => {
  it('leave tables and counts, of one partition', async () => {
    const connection = await tables();
    await connection.run(FORGOTTEN);
    const target = await forgetTarget(connection, KEY);
    expect(target).toEqual({ topic: TOPIC, table: '"cdc_orders"', keyHash: 'h', hasRetired: false, hasReplays: false });
    expect(await findLeaving(connection, LEAVING)).toBe(7);
    expect(await leave(connection, target, 0, "it's")).toEqual({ merged: 3, others: 2 });
    expect(await all(connection, CHANGES)).toEqual([
      [0, 9n],
      [1, 0n],
      [1, 1n],
      [1, 9n],
      [1, 10n],
    ]);
    expect(await all(connection, placesIn('quarantine'))).toEqual([
      [0, 5n],
      [0, 14n],
      [1, 4n],
      [1, 5n],
      [1, 14n],
    ]);
    expect(await all(connection, COUNTS)).toEqual([
      [0, 0n, 4n, 1n, 1n, 4n, 1, 1],
      [0, 10n, 4n, 2n, 2n, 2n, 2, 1],
      [1, 0n, 6n, 2n, 2n, 0n, 2, 1],
      [1, 10n, 6n, 2n, 2n, 0n, 2, 1],
    ]);
    expect(await leave(connection, target, 1)).toEqual({ merged: 1, others: 0 });
    const noted = `SELECT topic, key_hash, partition_id, file, rows_merged, rows_other, rows_quarantined
      FROM sluice.forgotten ORDER BY partition_id`;
    expect(await all(connection, noted)).toEqual([
      [TOPIC, 'h', 0, "it's", 3n, 2n, 1n],
      [TOPIC, 'h', 1, null, 1n, 0n, 0n],
    ]);
  });

  it('leave what has retired and what was replayed, where there is any', async () => {
    const connection = await tables();
    await openRetention(connection);
    await connection.run(
      `${FORGOTTEN}; ${REPLAYS}; UPDATE sluice.batches SET rows_retired = 3;
       INSERT INTO sluice.retired BY NAME SELECT topic: '${TOPIC}', partition_id, message_offset: place, change_seq: 0
       FROM range(2) p(partition_id), (VALUES (11), (12)) o(place);
       INSERT INTO sluice.replays BY NAME SELECT topic: '${TOPIC}', partition_id, message_offset: place,
         reason: 'expectation:y', outcome: 'merged', spec_hash: 's', replayed_at: now()
       FROM range(2) p(partition_id), (VALUES (0), (2)) o(place)`,
    );
    const target = await forgetTarget(connection, KEY);
    expect(target).toMatchObject({ hasRetired: true, hasReplays: true });
    await findLeaving(connection, LEAVING);
    await leave(connection, target, 0);
    expect(await all(connection, placesIn('retired'))).toEqual([
      [0, 12n],
      [1, 11n],
      [1, 12n],
    ]);
    expect(await all(connection, placesIn('replays'))).toEqual([
      [0, 2n],
      [1, 0n],
      [1, 2n],
    ]);
    const counts = `SELECT partition_id, rows_retired, ${X}, ${Y} FROM sluice.batches
      ORDER BY partition_id, start_offset`;
    expect(await all(connection, counts)).toEqual([
      [0, 3n, 1, null],
      [0, 2n, 2, 1],
      [1, 3n, 2, 1],
      [1, 3n, 2, 1],
    ]);
  });

  it('are looked for anew each time', async () => {
    const connection = await memoryConnection();
    const places = [
      { partition: 2, offset: 7 },
      { partition: 0, offset: 1 },
    ];
    expect(await findLeaving(connection, leavingQuarantine(places))).toBe(2);
    expect(await all(connection, 'FROM temp.forgetting')).toEqual([
      [2, 7, 'quarantined'],
      [0, 1, 'quarantined'],
    ]);
    expect(await findLeaving(connection, `${LEAVING} WHERE false`)).toBe(0);
  });
});
