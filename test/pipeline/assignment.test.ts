import pino from 'pino';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Metrics } from '../../src/metrics/metrics.js';
import { Assignment, type AssignmentOptions } from '../../src/pipeline/assignment.js';
import { Partitions } from '../../src/pipeline/partition.js';
import { FakeSink, FakeSource, messages, silent } from '../support/fakes.js';

const OPTIONS: AssignmentOptions = {
  topic: 'cdc_orders',
  startFrom: 'earliest',
  onLostOffsets: 'fail',
  lateAfterMs: 1000,
  untilEnd: false,
};
let source: FakeSource;
let sink: FakeSink;
let metrics: Metrics;
let partitions: Partitions;

beforeEach(() => {
  source = new FakeSource([messages([5, 6, 9]), messages([0, 1])]);
  sink = new FakeSink();
  metrics = new Metrics();
  partitions = new Partitions(source);
});

const assignment = (options: Partial<AssignmentOptions> = {}) =>
  new Assignment({ ...OPTIONS, ...options }, { source, sink, metrics, log: silent }, partitions);

/** One for a sink in which partition 0 stands there. */
function standing(nextOffset: number, options: Partial<AssignmentOptions> = {}, leaderEpoch?: number): Assignment {
  const known = assignment(options);
  sink.positions.set(0, { partition: 0, nextOffset, leaderEpoch, watermark: undefined });
  known.restore({ identity: { ...sink.identity, firstPartitions: 1 }, issueBits: [], removed: [] });
  return known;
}

const offsets = (positions: readonly { partition: number; nextOffset: number }[]) =>
  positions.map(({ partition, nextOffset }) => [partition, nextOffset]);

describe('Assignment', () => {
  it.each([
    ['earliest', [5, 'earliest'], [0, 'earliest']],
    ['latest', [10, 'latest'], [2, 'latest']],
    // The group has no offset of partition 0.
    ['group', [5, 'earliest'], [1, 'group']],
  ] as const)('begins a new data directory from START_FROM=%s, and records why', async (startFrom, first, second) => {
    source.committedOffsets.set(1, 1);
    const positions = await assignment({ startFrom }).assign([0, 1]);
    expect(offsets(positions)).toEqual([
      [0, first[0]],
      [1, second[0]],
    ]);
    expect(sink.starts).toEqual([
      { partition: 0, nextOffset: first[0], reason: first[1] },
      { partition: 1, nextOffset: second[0], reason: second[1] },
    ]);
  });

  it.each([4, 11])('does not begin at %d, which the group has committed and Kafka does not have', async (offset) => {
    source.committedOffsets.set(0, offset);
    expect((await assignment({ startFrom: 'group' }).assign([0, 1]))[0].nextOffset).toBe(5);
    expect(sink.starts[0].reason).toBe('earliest');
  });

  it('starts from the position of the sink, whatever the group has committed', async () => {
    source.committedOffsets.set(0, 9);
    expect((await standing(6, { startFrom: 'group' }).assign([0, 1]))[0].nextOffset).toBe(6);
  });

  it.each(['earliest', 'latest', 'group'] as const)(
    'begins a partition that was added at its start, whatever START_FROM=%s and the group say',
    async (startFrom) => {
      source.committedOffsets.set(1, 1);
      expect(offsets(await standing(6, { startFrom }).assign([0, 1]))).toEqual([
        [0, 6],
        [1, 0],
      ]);
      expect(sink.starts).toEqual([{ partition: 1, nextOffset: 0, reason: 'new_partition' }]);
    },
  );

  it('says of each partition where it begins and why', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'info' }, { write: (line) => void lines.push(line) });
    const told = new Assignment(OPTIONS, { source, sink, metrics, log }, partitions);
    sink.positions.set(0, { partition: 0, nextOffset: 6, leaderEpoch: undefined, watermark: undefined });
    told.restore({ identity: { ...sink.identity, firstPartitions: 1 }, issueBits: [], removed: [] });
    await told.assign([0, 1]);
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({
      msg: 'reading cdc_orders',
      starts: { 0: { offset: 6, from: 'position' }, 1: { offset: 0, from: 'new_partition' } },
    });
  });

  it('passes the leader epoch of the position on, for the client to compare', async () => {
    expect((await standing(6, {}, 7).assign([0, 1]))[0]).toMatchObject({ nextOffset: 6, leaderEpoch: 7 });
  });
});

describe('the topic of an assignment', () => {
  it('becomes the one of the data directory, once, when its ids are known', async () => {
    const first = assignment();
    source.topicIdentity = { clusterId: undefined, topicId: 'topic' };
    await first.assign([0, 1]);
    expect(sink.identity).toEqual({ clusterId: undefined, topicId: 'topic', firstPartitions: 2 });
    source.topicIdentity = { clusterId: 'cluster', topicId: undefined };
    await first.assign([0, 1]);
    expect(sink.identity).toEqual({ clusterId: 'cluster', topicId: 'topic', firstPartitions: 2 });
  });

  it.each([
    { clusterId: 'cluster', topicId: 'another' },
    { clusterId: 'another', topicId: 'topic' },
  ])('is refused when it is another: %j', async (found) => {
    sink.identity = { clusterId: 'cluster', topicId: 'topic', firstPartitions: 2 };
    source.topicIdentity = found;
    await expect(standing(6).assign([0, 1])).rejects.toMatchObject({
      code: 'SLUICE_TOPIC_CHANGED',
      message: expect.stringMatching(/id is another, not (cluster|topic)\..*DATA_DIR of its own/),
    });
    expect(sink.identity).toMatchObject({ clusterId: 'cluster', topicId: 'topic' });
  });

  it('is confirmed by requests that begin after the call, one at a time', async () => {
    sink.identity = { ...source.topicIdentity, firstPartitions: 2 };
    const confirming = standing(6);
    const first = confirming.confirmTopic();
    await new Promise((resolve) => setImmediate(resolve));
    const later = [confirming.confirmTopic(), confirming.confirmTopic()];
    source.topicIdentity = { clusterId: 'cluster', topicId: 'another' };
    await first;
    const outcomes = await Promise.allSettled(later);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(source.identityRequests).toBe(2);
  });
});

describe('the members of a group', () => {
  it('refuses a part of the topic at start', async () => {
    await expect(assignment().assign([1])).rejects.toMatchObject({ code: 'SLUICE_PARTIAL_ASSIGNMENT' });
    await expect(assignment().assign([])).rejects.toMatchObject({ code: 'SLUICE_PARTIAL_ASSIGNMENT' });
    expect(sink.positions.size).toBe(0);
  });

  it('waits for another member to leave when it had the topic to itself before', async () => {
    const incumbent = assignment();
    await incumbent.assign([0, 1]);
    await incumbent.revoke([0, 1]);
    expect(sink.released).toEqual([0, 1]);
    expect(await incumbent.assign([1])).toEqual([]);
    expect(incumbent.isReading).toBe(false);
    incumbent.checkComplete();
    await incumbent.revoke([1]);
    expect(await incumbent.assign([0, 1])).toHaveLength(2);
    expect(incumbent.isReading).toBe(true);
  });

  it('reads a share of the topic if the sink takes one, and takes over and gives up what moves', async () => {
    sink.needsWholeTopic = false;
    sink.positions.set(0, { partition: 0, nextOffset: 6, leaderEpoch: undefined, watermark: undefined });
    const sharing = assignment();
    expect(await sharing.assign([])).toEqual([]);
    expect(sharing.isReading).toBe(true);
    expect(offsets(await sharing.assign([1]))).toEqual([[1, 0]]);
    expect(partitions.has(0)).toBe(false);
    partitions.get(1).nextOffset = 2;
    expect(offsets(await sharing.assign([0]))).toEqual([[0, 6]]);
    // The one that it had is read on where it was.
    expect(partitions.get(1).nextOffset).toBe(2);
    expect(offsets(await sharing.assignAgain()).sort()).toEqual([
      [0, 6],
      [1, 0],
    ]);
    await sharing.revoke([1, 2]);
    expect(sink.released).toEqual([1]);
    expect([partitions.has(0), partitions.has(1), sharing.isReading]).toEqual([true, false, true]);
    await sharing.revoke([0], true);
    expect(sharing.isReading).toBe(false);
  });

  it.each([
    ['earliest', 0, 'earliest'],
    ['latest', 2, 'latest'],
    ['group', 1, 'group'],
  ] as const)('begins what another process had not claimed yet by START_FROM=%s', async (startFrom, offset, reason) => {
    sink.needsWholeTopic = false;
    source.committedOffsets.set(1, 1);
    // Another process has begun with the topic of two partitions; the third was added since then.
    source.log.push(messages([0, 1, 2]));
    source.ranges.set(2, { low: 0, high: 3 });
    const second = assignment({ startFrom });
    second.restore({ identity: { ...source.topicIdentity, firstPartitions: 2 }, issueBits: [], removed: [] });
    await second.assign([1, 2]);
    expect(sink.starts).toEqual([
      { partition: 1, nextOffset: offset, reason },
      { partition: 2, nextOffset: 0, reason: 'new_partition' },
    ]);
  });

  it('keeps the end that a partition had at first, also when it comes back', async () => {
    sink.needsWholeTopic = false;
    const bounded = assignment({ untilEnd: true });
    await bounded.assign([]);
    expect(bounded.hasReachedEnd).toBe(false);
    await bounded.assign([0]);
    await bounded.revoke([0]);
    source.ranges.set(0, { low: 5, high: 100 });
    await bounded.assign([0]);
    expect(partitions.get(0).endOffset).toBe(10);
    partitions.get(0).nextOffset = 10;
    expect(bounded.hasReachedEnd).toBe(true);
    await bounded.assign([1]);
    expect(bounded.hasReachedEnd).toBe(false);
  });

  it('knows when all partitions have reached the ends that they had at start', async () => {
    const bounded = assignment({ untilEnd: true });
    expect(bounded.hasReachedEnd).toBe(false);
    await bounded.assign([0, 1]);
    source.ranges.set(0, { low: 5, high: 100 });
    await bounded.assign([0, 1]);
    expect(partitions.get(0).endOffset).toBe(10);
    partitions.get(0).nextOffset = 9;
    partitions.get(1).nextOffset = 2;
    expect(bounded.hasReachedEnd).toBe(false);
    partitions.get(0).nextOffset = 10;
    expect(bounded.hasReachedEnd).toBe(true);
  });

  it('has no end unless the run stops there', async () => {
    const endless = assignment();
    await endless.assign([0, 1]);
    expect(partitions.get(0).endOffset).toBeUndefined();
    for (const number of [0, 1]) partitions.get(number).nextOffset = 100;
    expect(endless.hasReachedEnd).toBe(false);
  });

  it('has reached no end while it waits for another member to leave', async () => {
    const bounded = assignment({ untilEnd: true });
    await bounded.assign([0, 1]);
    partitions.get(0).nextOffset = 10;
    partitions.get(1).nextOffset = 2;
    expect(bounded.hasReachedEnd).toBe(true);
    await bounded.revoke([0]);
    expect(bounded.hasReachedEnd).toBe(false);
  });

  it('waits for a minute, from when another member came', async () => {
    const clock = vi.spyOn(performance, 'now').mockReturnValue(1000);
    onTestFinished(() => clock.mockRestore());
    const incumbent = assignment();
    await incumbent.assign([0, 1]);
    incumbent.checkComplete();
    await incumbent.revoke([0, 1]);
    await incumbent.assign([1]);
    clock.mockReturnValue(60_999);
    await incumbent.assign([1]);
    incumbent.checkComplete();
    clock.mockReturnValue(61_000);
    expect(() => incumbent.checkComplete()).toThrow('gives this process 1 of 2 partitions of cdc_orders');
    await incumbent.assign([0, 1]);
    incumbent.checkComplete();
  });

  it('keeps what the sink said of partitions of a topic that it needs as a whole', async () => {
    const incumbent = assignment();
    expect(incumbent.isReading).toBe(false);
    await incumbent.assign([0, 1]);
    await incumbent.revoke([0]);
    expect([partitions.has(0), partitions.isRead(0), partitions.isRead(1)]).toEqual([true, false, true]);
    expect(incumbent.isReading).toBe(false);
    await incumbent.revoke([1]);
    // Each was given up once.
    expect(sink.released).toEqual([0, 1]);
  });

  it('gives the topic alone a look before it has any partitions', async () => {
    const early = assignment();
    expect(await early.assignAgain()).toEqual([]);
    expect([source.identityRequests, sink.starts]).toEqual([1, []]);
    source.topicIdentity = { clusterId: 'cluster', topicId: 'another' };
    await expect(early.assignAgain()).rejects.toMatchObject({ code: 'SLUICE_TOPIC_CHANGED' });
  });

  it('tells the group what was committed', async () => {
    const telling = assignment();
    await telling.assign([0, 1]);
    telling.committed([{ partition: 0, nextOffset: 7, leaderEpoch: undefined, watermark: undefined }]);
    expect(source.commits).toEqual([new Map([[0, 7]])]);
    expect(partitions.get(0).committed.nextOffset).toBe(7);
  });
});
