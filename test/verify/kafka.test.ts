import { beforeEach, describe, expect, it } from 'vitest';
import type { PartitionState, ReadPosition } from '../../src/core/source.js';
import { openSql } from '../../src/query/sql-client.js';
import { type KafkaTopic, kafkaChecks } from '../../src/verify/kafka.js';
import { changeDatabase, writtenDirectory } from '../support/verifying.js';

describe('verify with Kafka', () => {
  let dataDir: string;
  const identity = { clusterId: 'cluster', topicId: 'topic' };
  /** Partitions 0 and 1 as they were read: up to 8 and 1. */
  const asRead: PartitionState[] = [
    { partition: 0, low: 0, high: 8, unreadSince: undefined, truncated: false },
    { partition: 1, low: 0, high: 1, unreadSince: undefined, truncated: false },
  ];

  beforeEach(async () => {
    dataDir = await writtenDirectory();
    await changeDatabase(dataDir, `UPDATE sluice.meta SET cluster_id = 'cluster', topic_id = 'topic'`);
  });

  async function check(
    edit: Partial<PartitionState>,
    { startFrom = 'earliest', topic = identity, more = asRead } = {},
  ) {
    let asked: readonly ReadPosition[] = [];
    const kafka: KafkaTopic = {
      identity: async () => topic,
      inspect: async (positions) => {
        expect(positions).toMatchObject([{ partition: 0, nextOffset: 8 }, { partition: 1 }]);
        asked = positions;
        return [{ ...more[0], ...edit }, ...more.slice(1)];
      },
    };
    const client = await openSql(dataDir);
    const found = { problems: [] as string[], notes: [] as string[] };
    for await (const { problems, notes } of kafkaChecks(client, kafka, startFrom)) {
      found.problems.push(...problems);
      found.notes.push(...notes);
    }
    client.close();
    return { ...found, asked };
  }

  it('finds nothing if Kafka has what was read', async () => {
    expect(await check({})).toMatchObject({ problems: [], notes: [] });
  });

  it('finds a topic that was made again', async () => {
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
    expect(await check({}, { more: [...asRead, { ...third, high: 0 }] })).toMatchObject({
      problems: [],
      notes: ['partition 2 is empty and has no position yet'],
    });
  });

  it('finds first messages that were left out, unless START_FROM says so', async () => {
    await changeDatabase(
      dataDir,
      `UPDATE sluice.batches SET start_offset = 2 WHERE partition_id = 0 AND start_offset = 0;
      UPDATE sluice.positions SET first_offset = 2 WHERE partition_id = 0`,
    );
    expect((await check({})).problems).toEqual([
      'partition 0 began at 2 (earliest); Kafka has offsets 0 to 2, which START_FROM=earliest does not leave out',
    ]);
    expect((await check({ low: 2 })).problems).toEqual([]);
    await changeDatabase(dataDir, `UPDATE sluice.positions SET start_reason = 'group' WHERE partition_id = 0`);
    expect((await check({})).problems).toHaveLength(1);
    expect(await check({}, { startFrom: 'group' })).toMatchObject({
      problems: [],
      notes: ['partition 0 began at 2 (group); Kafka has offsets 0 to 2, left out by START_FROM=group'],
    });
  });

  it('tells what is unread, and since when', async () => {
    expect(await check({ high: 1242, unreadSince: Date.UTC(2026, 0, 2) })).toMatchObject({
      problems: [],
      notes: ['partition 0: 1,234 messages unread, the oldest from 2026-01-02T00:00:00.000Z'],
    });
  });

  it('tells what it cannot compare', async () => {
    await changeDatabase(dataDir, 'UPDATE sluice.meta SET topic_id = NULL');
    expect(await check({}, { topic: { clusterId: undefined as never, topicId: 'topic' } })).toMatchObject({
      problems: [],
      notes: [
        expect.stringContaining('do not give the cluster an id'),
        expect.stringContaining('does not know the id of the topic yet'),
      ],
    });
  });

  it('takes a position at either end of what Kafka has', async () => {
    expect(await check({ low: 8, high: 8 })).toMatchObject({ problems: [], notes: [] });
    const { problems, notes } = await check({ low: 8, high: 9 });
    expect([problems, notes]).toEqual([[], ['partition 0: 1 message unread']]);
  });

  it('tells that the brokers do not give the topic an id, however old the directory is', async () => {
    const nameless = { clusterId: undefined as never, topicId: undefined as never };
    expect((await check({}, { topic: nameless })).notes).toEqual([
      expect.stringMatching(/^the brokers do not give the cluster an id/),
      expect.stringMatching(/^the brokers do not give the topic an id/),
    ]);
    await changeDatabase(dataDir, 'UPDATE sluice.meta SET cluster_id = NULL, topic_id = NULL');
    expect((await check({})).notes).toEqual([
      expect.stringMatching(/the id of the cluster yet; .* takes cluster$/),
      expect.stringMatching(/the id of the topic yet; .* takes topic$/),
    ]);
  });

  it('names up to ten partitions of each kind', async () => {
    const others = (high: number, low = 0) =>
      Array.from({ length: 11 }, (_, index) => ({ ...asRead[0], partition: 2 + index, low, high }));
    expect((await check({}, { more: [...asRead, ...others(3)] })).problems).toHaveLength(10);
    expect((await check({}, { more: [...asRead, ...others(0)] })).notes).toHaveLength(10);
    // Those without a position are not compared with the range, nor with the start.
    expect((await check({}, { more: [...asRead, ...others(9, 9)] })).problems).toEqual([]);
  });

  it('tells what old directories do not know of their starts', async () => {
    await changeDatabase(
      dataDir,
      `UPDATE sluice.positions SET first_offset = 2, start_reason = 'unknown' WHERE partition_id = 0`,
    );
    expect(await check({})).toMatchObject({
      problems: [],
      notes: ['partition 0 began at 2 (unknown); Kafka has offsets 0 to 2, which are not in the data directory'],
    });
    expect(await check({ low: 1 })).toMatchObject({ notes: [expect.stringMatching(/Kafka has offsets 1 to 2/)] });
  });

  it('knows the starts of a directory of format 1 from its ledger', async () => {
    await changeDatabase(
      dataDir,
      `UPDATE sluice.meta SET format_version = 1;
      ALTER TABLE sluice.positions DROP COLUMN first_offset;
      ALTER TABLE sluice.positions DROP COLUMN start_reason;
      UPDATE sluice.batches SET start_offset = 2 WHERE partition_id = 0 AND start_offset = 0`,
    );
    expect((await check({})).notes).toEqual([expect.stringMatching(/^partition 0 began at 2 \(unknown\)/)]);
  });

  it('asks Kafka with the leader epochs that are known', async () => {
    await changeDatabase(dataDir, 'UPDATE sluice.positions SET leader_epoch = 7 WHERE partition_id = 0');
    const { asked } = await check({});
    expect(asked.map(({ leaderEpoch }) => leaderEpoch)).toEqual([7, undefined]);
  });
});
