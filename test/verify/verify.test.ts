import { rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeEach, describe, expect, it } from 'vitest';
import type { PartitionState } from '../../src/core/source.js';
import { openSql } from '../../src/query/sql-client.js';
import { writeJournal } from '../../src/sinks/duckdb/commit-journal.js';
import type { CheckResult, VerifyScope } from '../../src/verify/check.js';
import { checks } from '../../src/verify/checks.js';
import { type KafkaTopic, kafkaChecks } from '../../src/verify/kafka.js';
import { readScope } from '../../src/verify/ledger.js';
import { makeBatch, openSink, order, TOPIC, temporaryDirectory, token } from '../support/batches.js';

let scope: VerifyScope;
const folder = () => join(scope.dataDir, 'parquet', TOPIC, 'sluice_partition=0');
const FIRST = '00000000000000000000-00000000000000000004.parquet';

/** Two batches with duplicates, quarantine, a tombstone and a gap at the end. */
beforeEach(async () => {
  const dataDir = temporaryDirectory();
  scope = { dataDir, topic: TOPIC, table: 'cdc_orders', changeId: 'change_id' };
  const sink = await openSink(dataDir);
  const values = [order(token(1), { amount: 5 }), order(token(2)), '{', null];
  await sink.stage(await makeBatch(dataDir, 0, 0, values));
  await sink.commit();
  await sink.stage(await makeBatch(dataDir, 0, 4, [order(token(2)), order(token(3))], { nextOffset: 8 }));
  await sink.stage(await makeBatch(dataDir, 1, 0, [order('x')]));
  await sink.commit();
  await sink.close();
});

async function change(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(join(scope.dataDir, 'analytics.db'));
  const connection = await instance.connect();
  await connection.run(sql);
  connection.closeSync();
  instance.closeSync();
}

async function results(): Promise<CheckResult[]> {
  const client = await openSql(scope.dataDir);
  try {
    const found: CheckResult[] = [];
    for await (const result of checks(client, scope)) found.push(result);
    return found;
  } finally {
    client.close();
  }
}

async function problems(): Promise<string[]> {
  return (await results()).flatMap(({ name, problems }) => problems.map((text) => `${name}: ${text}`));
}

async function notes(): Promise<string[]> {
  return (await results()).flatMap(({ notes }) => notes);
}

describe('verify', () => {
  it('finds nothing where all agrees', async () => {
    expect(await problems()).toEqual([]);
  });

  it.each([
    [
      'a gap between ranges',
      'UPDATE sluice.batches SET start_offset = 5 WHERE start_offset = 4',
      /partition 0: a batch starts at 5, the one before it ends at 4/,
    ],
    [
      'a count that does not add up',
      'UPDATE sluice.batches SET rows_tombstone = 2 WHERE rows_tombstone = 1',
      /offsets 0 to 4: consumed 4/,
    ],
    [
      'a position elsewhere',
      'UPDATE sluice.positions SET next_offset = 9 WHERE partition_id = 0',
      /the position is 9, the ledger ends at 8/,
    ],
    [
      'a position that is gone',
      'DELETE FROM sluice.positions WHERE partition_id = 1',
      /partition 1: the position is gone, the ledger ends at 1/,
    ],
    [
      'a partition whose first batches are gone',
      'DELETE FROM sluice.batches WHERE partition_id = 0 AND start_offset = 0',
      /partition 0: it began at 0, the ledger begins at 4/,
    ],
    [
      'a position that moved without a batch',
      'DELETE FROM sluice.batches WHERE partition_id = 1',
      /partition 1: it began at 0, the ledger begins at 1/,
    ],
    ['a row that is gone', `DELETE FROM cdc_orders WHERE change_id = 'x'`, /partition 1: .* rows, the ledger says 1/],
    ['a row that is there twice', `INSERT INTO cdc_orders FROM cdc_orders WHERE change_id = 'x'`, /x is there 2 times/],
    [
      'a message gone from the quarantine',
      'DELETE FROM sluice.quarantine',
      /partition 0: .* messages, the ledger says 1/,
    ],
    [
      'a value that differs from the file',
      `UPDATE cdc_orders SET amount = 6 WHERE amount = 5`,
      /partition 0: 1 rows differ, the first at offset 0/,
    ],
    [
      'a file with other rows than its batch',
      'UPDATE sluice.batches SET rows_merged = 3, rows_tombstone = 0 WHERE start_offset = 0 AND partition_id = 0',
      /has 2 rows, the ledger says 3/,
    ],
  ])('finds %s', async (_, sql, expected) => {
    await change(sql);
    expect((await problems()).join('\n')).toMatch(expected);
  });

  it('finds a file that is missing, cut short, or not explained', async () => {
    writeFileSync(join(folder(), '00000000000000000008-00000000000000000009.parquet'), 'x');
    expect(await problems()).toEqual([
      expect.stringMatching(/ledger does not name: parquet\/cdc_orders\/sluice_partition=0\/0+8-0+9\.parquet$/),
    ]);
    truncateSync(join(folder(), FIRST), 10);
    expect((await problems()).join('\n')).toMatch(/0+4\.parquet has 10 bytes, not \d+/);
    rmSync(join(folder(), FIRST));
    expect((await problems()).join('\n')).toMatch(/0+4\.parquet is missing/);
  });

  it('tells what the next start removes, which is no difference', async () => {
    const temporary = '.00000000000000000008-00000000000000000009.parquet.tmp';
    writeFileSync(join(folder(), temporary), 'x');
    const [file, joined] = ['00000000000000000008-00000000000000000009.parquet', FIRST.replace('4.', '8.')];
    for (const name of [file, joined]) writeFileSync(join(folder(), name), 'x');
    writeJournal(scope.dataDir, { commit: 3, files: [`parquet/${TOPIC}/sluice_partition=0/${file}`] });
    expect(await problems()).toEqual([]);
    expect((await notes()).filter((note) => note.includes('the next start'))).toEqual([
      expect.stringMatching(/removes \S+\.tmp: a write that was not finished/),
      expect.stringMatching(/removes \S+0-0+8\.parquet: .* \(a join\)/),
      expect.stringMatching(/removes \S+8-0+9\.parquet: commit 3 was not finished/),
    ]);
  });

  it('finds a file of the right size that cannot be read', async () => {
    const path = join(folder(), FIRST);
    writeFileSync(path, new Uint8Array(statSync(path).size));
    expect(await problems()).toEqual([
      expect.stringMatching(/^each file has the rows of its batch.*: .*0+4\.parquet/),
      expect.stringMatching(/^every row of cdc_orders is in the files.*: .*0+4\.parquet/),
    ]);
  });

  it('tells where and why partitions began, and what was lost in Kafka', async () => {
    await change(`UPDATE sluice.positions SET start_reason = 'group' WHERE partition_id = 1;
      INSERT INTO sluice.batches BY NAME SELECT * REPLACE (8 AS start_offset, 11 AS next_offset, 'gap' AS kind,
        TIMESTAMPTZ '2026-01-02 03:04:05Z' AS committed_at, NULL AS file, NULL AS file_bytes, 0 AS rows_consumed,
        0 AS rows_merged, 0 AS rows_duplicate, 0 AS rows_quarantined, 0 AS rows_tombstone)
      FROM sluice.batches WHERE partition_id = 0 AND start_offset = 4;
      UPDATE sluice.positions SET next_offset = 11 WHERE partition_id = 0`);
    expect(await problems()).toEqual([]);
    expect(await notes()).toEqual([
      'partition 0: offsets 8 to 11 were gone from Kafka before they were read, found 2026-01-02 03:04:05 UTC',
      'began at the earliest offset: partition 0 at 0',
      'began at the committed offset of the consumer group: partition 1 at 0',
    ]);
  });

  it('finds quarantined messages that are gone after a recovery, but not those that it could not recover', async () => {
    await change(`UPDATE sluice.batches SET kind = 'recovered' WHERE partition_id = 0 AND start_offset = 0;
      DELETE FROM sluice.quarantine`);
    expect(await problems()).toEqual([]);
    expect(await notes()).toContain(
      'partition 0: the ledger of offsets 0 to 4 was made from Parquet files, without 1 quarantined messages',
    );
    await change(`UPDATE sluice.batches SET kind = 'recovered', file = NULL, rows_merged = 0, rows_quarantined = 1,
      rows_consumed = 1 WHERE partition_id = 1`);
    expect((await notes()).join()).toMatch(
      /partition 1: .* without 1 quarantined messages; no file has offsets 0 to 1/,
    );
  });

  it('knows table and topic from the data directory itself', async () => {
    const client = await openSql(scope.dataDir);
    expect(await readScope(client, scope.dataDir)).toEqual(scope);
    client.close();
    await change('UPDATE sluice.meta SET format_version = 99');
    const newer = await openSql(scope.dataDir);
    await expect(readScope(newer, scope.dataDir)).rejects.toMatchObject({ code: 'SLUICE_CONFIG' });
    newer.close();
  });
});

describe('verify with Kafka', () => {
  const identity = { clusterId: 'cluster', topicId: 'topic' };
  /** Partitions 0 and 1 as they were read: up to 8 and 1. */
  const asRead: PartitionState[] = [
    { partition: 0, low: 0, high: 8, unreadSince: undefined, truncated: false },
    { partition: 1, low: 0, high: 1, unreadSince: undefined, truncated: false },
  ];

  beforeEach(() => change(`UPDATE sluice.meta SET cluster_id = 'cluster', topic_id = 'topic'`));

  async function check(
    edit: Partial<PartitionState>,
    { startFrom = 'earliest', topic = identity, more = asRead } = {},
  ) {
    const kafka: KafkaTopic = {
      identity: async () => topic,
      inspect: async (positions) => {
        expect(positions).toMatchObject([{ partition: 0, nextOffset: 8 }, { partition: 1 }]);
        return [{ ...more[0], ...edit }, ...more.slice(1)];
      },
    };
    const client = await openSql(scope.dataDir);
    const found = { problems: [] as string[], notes: [] as string[] };
    for await (const { problems, notes } of kafkaChecks(client, kafka, startFrom)) {
      found.problems.push(...problems);
      found.notes.push(...notes);
    }
    client.close();
    return found;
  }

  it('finds nothing where Kafka has what was read', async () => {
    expect(await check({})).toEqual({ problems: [], notes: [] });
  });

  it('finds a topic that was made anew', async () => {
    const { problems } = await check({}, { topic: { clusterId: 'cluster', topicId: 'other' } });
    expect(problems).toEqual(['the topic has the id other, the data directory is filled from topic: it was made anew']);
  });

  it.each([
    ['below', { low: 9, high: 12 }, 'partition 0: the position is 8, Kafka has 9 to 12'],
    ['beyond', { high: 7 }, 'partition 0: the position is 8, Kafka has 0 to 7'],
  ])('finds a position %s what Kafka has', async (_, edit, problem) => {
    expect((await check(edit)).problems).toEqual([problem]);
  });

  it('finds a log that was truncated below the position', async () => {
    expect((await check({ truncated: true })).problems).toEqual([
      'partition 0: the log was truncated below the position 8, and written again',
    ]);
  });

  it('finds a partition that was never read, and one that the topic does not have', async () => {
    const third = { ...asRead[0], partition: 2 };
    const { problems } = await check({}, { more: [asRead[0], third] });
    expect(problems).toEqual([
      'partition 2: nothing was read of offsets 0 to 8',
      'partition 1, read up to 1, is not in the topic',
    ]);
    expect(await check({}, { more: [...asRead, { ...third, high: 0 }] })).toEqual({
      problems: [],
      notes: ['partition 2 is empty and has no position yet'],
    });
  });

  it('finds first messages that were left out, unless START_FROM says so', async () => {
    await change(`UPDATE sluice.batches SET start_offset = 2 WHERE partition_id = 0 AND start_offset = 0;
      UPDATE sluice.positions SET first_offset = 2 WHERE partition_id = 0`);
    expect((await check({})).problems).toEqual([
      'partition 0 began at 2 (earliest); Kafka has offsets 0 to 2, which START_FROM=earliest does not leave out',
    ]);
    expect((await check({ low: 2 })).problems).toEqual([]);
    await change(`UPDATE sluice.positions SET start_reason = 'group' WHERE partition_id = 0`);
    expect((await check({})).problems).toHaveLength(1);
    expect(await check({}, { startFrom: 'group' })).toEqual({
      problems: [],
      notes: ['partition 0 began at 2 (group); Kafka has offsets 0 to 2, left out by START_FROM=group'],
    });
  });

  it('tells what is unread, and since when', async () => {
    expect(await check({ high: 1242, unreadSince: Date.UTC(2026, 0, 2) })).toEqual({
      problems: [],
      notes: ['partition 0: 1,234 messages unread, the oldest from 2026-01-02T00:00:00.000Z'],
    });
  });

  it('tells what it cannot compare', async () => {
    await change('UPDATE sluice.meta SET topic_id = NULL');
    expect(await check({}, { topic: { clusterId: undefined as never, topicId: 'topic' } })).toEqual({
      problems: [],
      notes: [
        expect.stringContaining('do not give the cluster an id'),
        expect.stringContaining('does not know the id of the topic yet'),
      ],
    });
  });
});
