import { beforeEach, describe, expect, it } from 'vitest';
import { Assignment, type AssignmentOptions } from '../src/assignment.js';
import { Metrics } from '../src/metrics.js';
import { FakeSink, FakeSource, messages, silent } from './support/fakes.js';

const OPTIONS: AssignmentOptions = { topic: 'cdc_orders', startFrom: 'earliest', lateAfterMs: 1000, untilEnd: false };
let source: FakeSource;
let sink: FakeSink;

beforeEach(() => {
  source = new FakeSource([messages([5, 6, 9]), messages([0, 1])]);
  sink = new FakeSink();
});

const assignment = (options: Partial<AssignmentOptions> = {}) =>
  new Assignment({ ...OPTIONS, ...options }, { source, sink, metrics: new Metrics(), log: silent });

describe('Assignment', () => {
  it('makes the position of a new partition from START_FROM, or from the committed offset of the group', async () => {
    source.committedOffsets.set(1, 1);
    expect(await assignment().assign([0, 1])).toEqual(
      new Map([
        [0, 5],
        [1, 1],
      ]),
    );
    expect([...sink.positions.values()].map(({ partition, nextOffset }) => [partition, nextOffset])).toEqual([
      [0, 5],
      [1, 1],
    ]);
    sink.positions.clear();
    expect(await assignment({ startFrom: 'latest' }).assign([0, 1])).toEqual(
      new Map([
        [0, 10],
        [1, 1],
      ]),
    );
  });

  it('starts from the position of the sink, whatever the group has committed', async () => {
    source.committedOffsets.set(0, 9);
    const known = assignment();
    known.restore([{ partition: 0, nextOffset: 6, leaderEpoch: undefined, watermark: undefined }]);
    expect((await known.assign([0, 1])).get(0)).toBe(6);
  });

  it.each([
    [4, /partition 0: the position 4 is outside of what Kafka has, 5 to 10: .*retention/],
    [11, /the position 11 .* truncated or made anew/],
  ])('refuses the position %d, which Kafka no longer has', async (nextOffset, message) => {
    const known = assignment();
    known.restore([{ partition: 0, nextOffset, leaderEpoch: undefined, watermark: undefined }]);
    await expect(known.assign([0, 1])).rejects.toMatchObject({
      code: 'SLUICE_OFFSET_GONE',
      message: expect.stringMatching(message),
    });
  });

  it('notices that what is to be read next was deleted meanwhile', async () => {
    const running = assignment();
    await running.assign([0, 1]);
    await running.checkPositions((partition) => (partition === 0 ? 6 : 0));
    source.ranges.set(0, { low: 9, high: 10 });
    const checked = running.checkPositions((partition) => (partition === 0 ? 6 : 0));
    await expect(checked).rejects.toMatchObject({ code: 'SLUICE_OFFSET_GONE' });
  });

  it('refuses a part of the topic at start', async () => {
    await expect(assignment().assign([1])).rejects.toMatchObject({ code: 'SLUICE_NOT_ALONE' });
    await expect(assignment().assign([])).rejects.toMatchObject({ code: 'SLUICE_NOT_ALONE' });
    expect(sink.positions.size).toBe(0);
  });

  it('waits for an intruder to leave when it had the topic to itself before', async () => {
    const incumbent = assignment();
    await incumbent.assign([0, 1]);
    incumbent.revoke();
    expect(await incumbent.assign([1])).toEqual(new Map());
    expect(incumbent.complete).toBe(false);
    incumbent.checkAlone();
    incumbent.revoke();
    expect((await incumbent.assign([0, 1])).size).toBe(2);
    expect(incumbent.complete).toBe(true);
  });

  it('knows when all partitions have reached the ends that they had at start', async () => {
    const bounded = assignment({ untilEnd: true });
    expect(bounded.reachedEnd(() => 1000)).toBe(false);
    await bounded.assign([0, 1]);
    source.ranges.set(0, { low: 5, high: 100 });
    expect(bounded.endOffset(0)).toBe(10);
    expect(bounded.reachedEnd((partition) => (partition === 0 ? 9 : 2))).toBe(false);
    expect(bounded.reachedEnd((partition) => (partition === 0 ? 10 : 2))).toBe(true);
  });
});
