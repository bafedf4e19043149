import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { NO_STATS } from '../../../src/core/batch-stats.js';
import type { BatchResult } from '../../../src/core/flow.js';
import { openFormat } from '../../../src/sinks/duckdb/format.js';
import {
  insertPositions,
  movePositions,
  readIdentity,
  readKnownTopic,
  readLedgerState,
  readPositions,
  writeGaps,
  writeIdentity,
  writeLedger,
  writeQuarantine,
} from '../../../src/sinks/duckdb/ledger.js';
import { makeBatch, openSink, order, TOPIC, temporaryDirectory, token } from '../../support/batches.js';

const microseconds = (date: string) => BigInt(Date.parse(date)) * 1000n;

it('a watermark never goes back, and batches without event times leave it', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  const watermarks: (bigint | undefined)[] = [];
  for (const [offset, event_time] of [undefined, '2023-01-02', '2023-01-01', undefined, '2023-01-03'].entries()) {
    await sink.stage(await makeBatch(dataDir, 0, offset, [order(token(offset), { event_time })]));
    watermarks.push((await sink.commit()).positions[0].watermark);
  }
  const [second, third] = [microseconds('2023-01-02'), microseconds('2023-01-03')];
  expect(watermarks).toEqual([undefined, second, second, second, third]);
});

describe('the tables in a database', () => {
  let connection: DuckDBConnection;

  beforeEach(async () => {
    const instance = await DuckDBInstance.create(':memory:');
    connection = await instance.connect();
    onTestFinished(() => {
      connection.closeSync();
      instance.closeSync();
    });
  });

  const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRows();
  const move = (partition: number, startOffset: number, nextOffset: number, more = {}) => {
    return { partition, startOffset, nextOffset, leaderEpoch: undefined, stats: NO_STATS, ...more };
  };

  it('have a row of each quarantined message, and of what it lacks nothing', async () => {
    await openFormat(connection, TOPIC);
    const none = batchOf([]);
    const createAppender = () => Promise.reject(new Error('there is nothing to write'));
    await writeQuarantine(connection, TOPIC, [none, none], createAppender);
    const [key, value] = [new Uint8Array([1]), new Uint8Array([2])];
    const place = { offset: 3, position: 0, timestamp: 0 };
    const whole = { ...place, key, value, status: 'malformed', column: 'a' } as const;
    const lacking = { ...whole, offset: 4, key: null, value: null, position: -1, timestamp: -1 };
    const inNanoseconds = { ...lacking, timestamp: 1.7e18 };
    await writeQuarantine(connection, TOPIC, [none, batchOf([whole, { ...lacking, column: undefined }])]);
    await writeQuarantine(connection, TOPIC, [batchOf([{ ...inNanoseconds, offset: 5 }])]);
    const sql = `SELECT topic, partition_id, message_offset, hex(key), hex(value), reason, byte_position,
      epoch_ms(kafka_timestamp), column_name FROM sluice.quarantine ORDER BY message_offset`;
    expect(await rows(sql)).toEqual([
      [TOPIC, 0, 3n, '01', '02', 'malformed', 0n, 0n, 'a'],
      [TOPIC, 0, 4n, null, null, 'malformed', null, null, null],
      [TOPIC, 0, 5n, null, null, 'malformed', null, null, 'a'],
    ]);
  });

  it('tell what the ledger says of files, whatever is there', async () => {
    expect(await readLedgerState(connection)).toEqual({ files: [], ranges: [], retired: [], lastCommit: 0 });
    await openFormat(connection, TOPIC);
    expect(await readLedgerState(connection)).toEqual({ files: [], ranges: [], retired: [], lastCommit: 0 });
    await writeLedger(connection, TOPIC, 6, []);
    const batch = { partition: 1, startOffset: 0, nextOffset: 4, kind: 'consume', stats: NO_STATS } as const;
    const file = { name: 'a.parquet', bytes: 7 };
    await writeLedger(connection, TOPIC, 6, [{ ...batch, file, schemaIds: [3, 1] }]);
    await connection.run('ALTER TABLE sluice.batches ADD COLUMN note VARCHAR');
    const gap = { ...batch, startOffset: 4, nextOffset: 5, kind: 'gap' } as const;
    await writeLedger(connection, TOPIC, 7, [gap], ({ kind }) => ({ note: `'a ${kind}'` }));
    expect(
      await rows('SELECT commit_id, kind, file, schema_ids::VARCHAR, note FROM sluice.batches ORDER BY 1'),
    ).toEqual([
      [6n, 'consume', 'a.parquet', '[3, 1]', null],
      [7n, 'gap', null, null, 'a gap'],
    ]);
    const state = await readLedgerState(connection);
    expect(state).toMatchObject({ files: [{ name: 'a.parquet', partition: 1, start: 0, next: 4 }], lastCommit: 7 });
    expect(state.ranges.length).toBeGreaterThan(0);
    await connection.run('ALTER TABLE sluice.batches DROP COLUMN commit_id');
    expect(await readLedgerState(connection)).toEqual({ ...state, lastCommit: 0 });
  });

  it('have positions, which move from where they are only', async () => {
    await openFormat(connection, TOPIC);
    await insertPositions(connection, TOPIC, []);
    await insertPositions(connection, TOPIC, [{ partition: 1, nextOffset: 5, reason: 'earliest' }]);
    const later = [0, 1].map((partition) => ({ partition, nextOffset: 9, reason: 'latest' }) as const);
    await insertPositions(connection, TOPIC, later);
    const at = { leaderEpoch: undefined, watermark: undefined };
    expect(await readPositions(connection, TOPIC)).toEqual([
      { partition: 0, nextOffset: 9, ...at },
      { partition: 1, nextOffset: 5, ...at },
    ]);
    expect(await rows('SELECT first_offset, start_reason FROM sluice.positions ORDER BY 1')).toEqual([
      [5n, 'earliest'],
      [9n, 'latest'],
    ]);
    expect(await readPositions(connection, 'another')).toEqual([]);
    const seen = { ...NO_STATS, maxEventTime: 1000n };
    await movePositions(connection, TOPIC, [move(1, 5, 7, { leaderEpoch: 3, stats: seen }), move(1, 7, 8)]);
    await writeGaps(connection, TOPIC, [{ partition: 1, startOffset: 8, nextOffset: 12 }], 4);
    const moved = { partition: 1, nextOffset: 12, leaderEpoch: 3, watermark: 1000n };
    expect((await readPositions(connection, TOPIC))[1]).toEqual(moved);
    expect(await rows('SELECT kind, commit_id, start_offset, next_offset FROM sluice.batches')).toEqual([
      ['gap', 4n, 8n, 12n],
    ]);
    for (const [partition, found] of [
      [1, '12'],
      [2, 'gone'],
    ] as const) {
      await expect(movePositions(connection, TOPIC, [move(partition, 5, 7)])).rejects.toMatchObject({
        code: 'SLUICE_FENCED',
        message: expect.stringContaining(`partition ${partition} is ${found}, not 5`),
      });
    }
    // From before event times were bounded.
    await connection.run(`UPDATE sluice.positions SET watermark = now() + INTERVAL 10 YEARS WHERE partition_id = 1`);
    await movePositions(connection, TOPIC, [move(1, 12, 13, { stats: seen })]);
    expect((await readPositions(connection, TOPIC))[1]).toMatchObject({ watermark: 1000n });
  });

  it('know the topic, once something was read of it', async () => {
    await openFormat(connection, TOPIC);
    const unknown = { clusterId: undefined, topicId: undefined };
    expect(await readKnownTopic(connection, TOPIC)).toEqual({ ...unknown, firstPartitions: undefined });
    await connection.run(`INSERT INTO sluice.meta BY NAME
      SELECT format_version: 3, topic: 'a', spec: '{}', spec_hash: '', changed_at: now()`);
    for (const identity of [{ clusterId: 'c', topicId: 't' }, { clusterId: 'c', topicId: undefined }, unknown]) {
      await writeIdentity(connection, identity);
      expect(await readIdentity(connection)).toEqual(identity);
    }
    await insertPositions(connection, TOPIC, [{ partition: 1, nextOffset: 5, reason: 'earliest' }]);
    expect(await readKnownTopic(connection, TOPIC)).toEqual({ ...unknown, firstPartitions: 1 });
  });
});

function batchOf(quarantined: BatchResult['quarantined']): BatchResult {
  const nothing = { leaderEpoch: undefined, arrow: undefined, file: undefined, kernelTrap: undefined };
  return { ...nothing, partition: 0, startOffset: 0, nextOffset: 9, quarantined, stats: NO_STATS };
}
