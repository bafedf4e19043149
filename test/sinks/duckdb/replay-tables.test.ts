import type { DuckDBConnection } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { type BatchStats, NO_STATS } from '../../../src/core/batch-stats.js';
import type { BatchResult } from '../../../src/core/flow.js';
import type { ReplayedBatch } from '../../../src/core/replay.js';
import { rowsOf } from '../../../src/core/sql.js';
import { ORDERS_SPEC } from '../../../src/schema/spec-file.js';
import { specHash } from '../../../src/schema/spec-hash.js';
import { migrate } from '../../../src/sinks/duckdb/ddl.js';
import {
  checkSpec,
  ledgerCounts,
  messagesOf,
  type PieceBound,
  REPLAYS,
  relationOf,
  replayPieces,
  replayPlaces,
  replaysOf,
  takenBy,
} from '../../../src/sinks/duckdb/replay-tables.js';
import { TOPIC } from '../../support/batches.js';
import { memoryConnection } from '../../support/memory-database.js';

/**
 * Partition 0: a joined file of the batches 0–4 and 4–6, the batch 6–9 without a file, the file 9–12 without
 * quarantined messages; partition 1: a file. Quarantined messages have a key of two bytes, and a value of as many as
 * their offset says.
 */
async function tables(): Promise<{ connection: DuckDBConnection; all: (sql: string) => Promise<Row[]> }> {
  const connection = await memoryConnection();
  await migrate(connection, ORDERS_SPEC, TOPIC);
  await connection.run(
    `INSERT INTO sluice.batches BY NAME SELECT topic: '${TOPIC}', *, committed_at: now()
     FROM (VALUES (0, 0, 4, 'joined', 80, 4, 2), (0, 4, 6, 'joined', 80, 2, 1), (0, 6, 9, NULL, NULL, 3, 2),
       (0, 9, 12, 'good', 50, 3, 0), (1, 0, 5, 'other', 70, 5, 1))
     batches(partition_id, start_offset, next_offset, file, file_bytes, rows_consumed, rows_quarantined);
     INSERT INTO sluice.quarantine BY NAME SELECT topic: '${TOPIC}', *, key: 'kk'::BLOB,
       value: repeat('v', message_offset)::BLOB, kafka_timestamp: make_timestamptz(1_700_000_000_000_000)
     FROM (VALUES (0, 1, 'malformed'), (0, 3, 'expectation:x'), (0, 5, 'malformed'), (0, 6, 'malformed'),
       (0, 7, 'malformed'), (1, 2, 'malformed')) messages(partition_id, message_offset, reason)`,
  );
  return { connection, all: (sql) => rowsOf(connection, sql) };
}

type Row = Record<string, unknown>;

const JOINED = { partition: 0, name: 'joined', start: 0, next: 6, batches: 2, rows: 3, bytes: 80 };
const [B0, B4, B6] = [
  { partition: 0, start: 0, next: 4 },
  { partition: 0, start: 4, next: 6 },
  { partition: 0, start: 6, next: 9 },
];

function replayed(startOffset: number, nextOffset: number, taken: number[], stats: Partial<BatchStats> = {}) {
  const result = { arrow: undefined, file: undefined, quarantined: [], kernelTrap: undefined, leaderEpoch: undefined };
  return { ...result, partition: 0, startOffset, nextOffset, taken, stats: { ...NO_STATS, ...stats } } as ReplayedBatch;
}

describe('places', () => {
  it('are files with their batches, and batches without one', async () => {
    const { all } = await tables();
    const other = { partition: 1, start: 0, next: 5 };
    expect(await replayPlaces(all, 'true')).toEqual([
      { partition: 0, start: 0, next: 6, file: JOINED, batches: [B0, B4] },
      { ...B6, file: undefined, batches: [B6] },
      { ...other, file: { ...other, name: 'other', batches: 1, rows: 4, bytes: 70 }, batches: [other] },
    ]);
  });

  it('are those of messages that are meant', async () => {
    const { all } = await tables();
    expect(await replayPlaces(all, `reason <> 'malformed'`)).toEqual([
      { partition: 0, start: 0, next: 6, file: JOINED, batches: [B0] },
    ]);
    expect(await replayPlaces(all, 'false')).toEqual([]);
  });
});

describe('pieces', () => {
  const JOINED_PLACE = { partition: 0, start: 0, next: 6, file: undefined, batches: [] };
  const FIRST = { ...B0, from: 1, to: 3 };
  const SECOND = { ...B4, from: 5, to: 5 };
  const [ONE, THREE] = [
    { ...B0, from: 1, to: 1 },
    { ...B0, from: 3, to: 3 },
  ];

  it.each<[string, PieceBound, object[][]]>([
    ['nothing bounds them', {}, [[FIRST, SECOND]]],
    ['a piece has a batch', { batches: 1 }, [[FIRST], [SECOND]]],
    ['a piece has two batches', { batches: 2 }, [[FIRST, SECOND]]],
    ['a piece has a message', { messages: 1 }, [[ONE], [THREE], [SECOND]]],
    ['a piece has two messages', { messages: 2 }, [[FIRST], [SECOND]]],
    // They have 3, 5 and 7 bytes with their keys.
    ['a piece has 8 bytes', { bytes: 8 }, [[ONE], [THREE, SECOND]]],
    ['a piece has 16 bytes', { bytes: 16 }, [[FIRST, SECOND]]],
  ])('when %s', async (_, bound, pieces) => {
    const { all } = await tables();
    expect(await replayPieces(all, JOINED_PLACE, 'true', bound)).toEqual(pieces);
  });

  it('have the messages of the place that are meant', async () => {
    const { all } = await tables();
    expect(await replayPieces(all, JOINED_PLACE, `reason = 'malformed'`, {})).toEqual([[ONE, SECOND]]);
    expect(await replayPieces(all, { ...B6, file: undefined, batches: [] }, 'true', {})).toEqual([
      [{ ...B6, from: 6, to: 7 }],
    ]);
  });

  it('have their messages in order, bytes in hexadecimal', async () => {
    const { all } = await tables();
    const time = 1_700_000_000_000n;
    const message = (offset: bigint, value: string, reason = 'malformed') => ({
      ...{ topic: TOPIC, partition_id: 0, message_offset: offset, key: '6B6B', value, reason, time },
    });
    expect(await all(messagesOf(FIRST, 'true'))).toEqual([message(1n, '76'), message(3n, '767676', 'expectation:x')]);
    expect(await all(messagesOf({ ...B0, from: 3, to: 6 }, `reason = 'malformed' OR false`))).toEqual([
      message(5n, '7676767676'),
      message(6n, '767676767676'),
    ]);
  });
});

it('messages of another table spec are refused', () => {
  checkSpec(ORDERS_SPEC, { specHash: specHash(ORDERS_SPEC), batches: [] });
  expect(() => checkSpec(ORDERS_SPEC, { specHash: 'another', batches: [] })).toThrow(
    expect.objectContaining({ code: 'SLUICE_SPEC_CHANGED' }),
  );
});

it('a piece takes the messages of its batches, and says what became of each', async () => {
  const { connection, all } = await tables();
  await connection.run(REPLAYS);
  // Of the partition, and of others at the same offsets.
  await connection.run(
    `INSERT INTO cdc_orders BY NAME SELECT * FROM (VALUES (0, 1), (1, 3), (1, 5), (1, 6), (1, 7), (0, 12))
       log(kafka_partition, kafka_offset);
     INSERT INTO sluice.markers BY NAME SELECT topic: '${TOPIC}', *, change_id: 'c', snapshot: 's', operation: 'o'
     FROM (VALUES (0, 3), (1, 5), (1, 6), (1, 7)) markers(partition_id, message_offset)`,
  );
  const batches = [replayed(0, 4, [1, 3]), replayed(4, 6, [5])];
  expect(takenBy(batches)).toBe('partition_id = 0 AND message_offset IN (1, 3, 5)');
  const outcomes = async () => {
    const rows = await all('SELECT message_offset, reason, outcome, spec_hash FROM sluice.replays ORDER BY 1');
    await connection.run('DELETE FROM sluice.replays');
    return rows.map((row) => Object.values(row));
  };
  await connection.run(replaysOf(ORDERS_SPEC, batches));
  const hash = specHash(ORDERS_SPEC);
  expect(await outcomes()).toEqual([
    [1n, 'malformed', 'merged', hash],
    [3n, 'expectation:x', 'marker', hash],
    [5n, 'malformed', 'tombstone', hash],
  ]);
  // Of a row, which is in a file, and neither in the change log nor a marker, there is one already.
  await connection.run('CREATE TABLE rows AS SELECT 6::BIGINT AS kafka_offset');
  const withRows = [replayed(6, 9, [6, 7], { ok: 1 })];
  const sql = replaysOf(ORDERS_SPEC, withRows).replace(relationOf(withRows), 'rows');
  await connection.run(sql);
  expect((await outcomes()).map(([offset, , outcome]) => [offset, outcome])).toEqual([
    [6n, 'duplicate'],
    [7n, 'tombstone'],
  ]);
});

it('the rows of batches are in the files of those that have one', () => {
  const file = { path: '', tempPath: "it's", bytes: 1 };
  expect(relationOf([{ file: undefined }, { file }])).toContain(`read_parquet(['it''s'],`);
});

describe('the ledger', () => {
  const COUNTS = `SELECT start_offset, rows_consumed, rows_quarantined, rows_merged, rows_duplicate, rows_marker,
    rows_tombstone, rows_late, rows_with_issues FROM sluice.batches WHERE partition_id = 0 AND start_offset < 9
    ORDER BY ALL`;

  it('counts the messages as what they are now, and no more than it knew of', async () => {
    const { connection, all } = await tables();
    const stats = { ok: 2, tombstone: 1, merged: 3, duplicate: 4, marker: 5, rowsLate: 6, rowsWithIssues: 7 };
    const batches = [replayed(0, 4, [], { ...stats }), replayed(4, 6, [], { ok: 1 })] as BatchResult[];
    await connection.run(ledgerCounts(TOPIC, batches));
    expect((await all(COUNTS)).map((row) => Object.values(row).map(Number))).toEqual([
      // It knew of two of the three.
      [0, 5, 0, 3, 4, 5, 1, 6, 7],
      [4, 2, 0, 0, 0, 0, 0, 0, 0],
      [6, 3, 2, 0, 0, 0, 0, 0, 0],
    ]);
  });

  it('has what else changes of a batch', async () => {
    const { connection, all } = await tables();
    await connection.run(
      'ALTER TABLE sluice.batches ADD watermark TIMESTAMPTZ; ALTER TABLE sluice.batches ADD seq UBIGINT',
    );
    const batches = [replayed(0, 4, [], { maxEventTime: 5n, maxChangeSeq: 2n ** 64n - 1n }), replayed(4, 6, [])];
    await connection.run(ledgerCounts(TOPIC, batches, { watermark: '"the time"', seq: '"the sequence"' }));
    expect(
      await all(`SELECT epoch_us(watermark) AS time, seq FROM sluice.batches WHERE partition_id = 0 AND start_offset < 6
        ORDER BY start_offset`),
    ).toEqual([
      { time: 5n, seq: 2n ** 64n - 1n },
      { time: null, seq: null },
    ]);
  });
});
