import pino from 'pino';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Metrics } from '../../src/metrics/metrics.js';
import { Assignment, type AssignmentOptions } from '../../src/pipeline/assignment.js';
import { Partitions } from '../../src/pipeline/partition.js';
import { FakeSink, FakeSource, messages } from '../support/fakes.js';

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
let logged: string[];

beforeEach(() => {
  source = new FakeSource([messages([5, 6, 9]), messages([0, 1])]);
  sink = new FakeSink();
  metrics = new Metrics();
  partitions = new Partitions(source);
  logged = [];
});

function assignment(options: Partial<AssignmentOptions> = {}): Assignment {
  const log = pino({ base: undefined, timestamp: false }, { write: (line) => void logged.push(line) });
  return new Assignment({ ...OPTIONS, ...options }, { source, sink, metrics, log }, partitions);
}

/** One for a sink in which partition 0 stands there. */
function standing(nextOffset: number, options: Partial<AssignmentOptions> = {}, leaderEpoch?: number): Assignment {
  const known = assignment(options);
  sink.positions.set(0, { partition: 0, nextOffset, leaderEpoch, watermark: undefined });
  known.restore({ identity: { ...sink.identity, firstPartitions: 1 }, issueBits: [], removed: [] });
  return known;
}

/** What was logged at that level. */
const told = (level: number) => logged.map((line) => JSON.parse(line)).filter((line) => line.level === level);

describe('positions of an assignment', () => {
  it('that Kafka has deleted end the run, with advice', async () => {
    await expect(standing(3).assign([0, 1])).rejects.toMatchObject({
      code: 'SLUICE_OFFSET_OUT_OF_RANGE',
      message: expect.stringMatching(
        /partition 0: the position 3 is before what Kafka has, 5 to 10: 2 .*--on-lost-offsets gap/,
      ),
    });
    expect(sink.gaps).toEqual([]);
  });

  it('that Kafka has deleted move over a gap that the sink records, if told so', async () => {
    const skipping = standing(3, { onLostOffsets: 'gap' });
    expect((await skipping.assign([0, 1]))[0].nextOffset).toBe(5);
    expect(sink.gaps).toEqual([{ partition: 0, startOffset: 3, nextOffset: 5 }]);
    expect(skipping.lostOffsets).toBe(2);
    expect((await metrics.lostOffsets.get()).values).toMatchObject([{ labels: { partition: 0 }, value: 2 }]);
    expect(told(50)).toMatchObject([{ topic: 'cdc_orders', partition: 0, startOffset: 3, nextOffset: 5, lost: 2 }]);
    await skipping.assign([0, 1]);
    expect(sink.gaps).toHaveLength(1);
  });

  it.each(['fail', 'gap'] as const)('beyond the log are refused (%s)', async (onLostOffsets) => {
    await expect(standing(11, { onLostOffsets }).assign([0, 1])).rejects.toMatchObject({
      code: 'SLUICE_TOPIC_CHANGED',
      message: expect.stringMatching(/truncated: partition 0: the position is 11, Kafka has 5 to 10/),
    });
    expect(sink.gaps).toEqual([]);
  });

  it.each(['fail', 'gap'] as const)('with other messages below them are refused (%s)', async (onLostOffsets) => {
    source.truncated.add(0);
    await expect(standing(6, { onLostOffsets }, 0).assign([0, 1])).rejects.toMatchObject({
      code: 'SLUICE_TOPIC_CHANGED',
      message: expect.stringMatching(/partition 0: below the position 6 there are other messages/),
    });
  });

  it('are in range or not', async () => {
    const running = assignment();
    await running.assign([0, 1]);
    expect(await running.inRange()).toBe(true);
    partitions.get(0).nextOffset = 6;
    source.ranges.set(0, { low: 9, high: 10 });
    expect(await running.inRange()).toBe(false);
    source.ranges.set(0, { low: 0, high: 5 });
    expect(await running.inRange()).toBe(false);
  });

  it.each([5, 10])('are in range at %d, the first and the next offset of a log', async (offset) => {
    const running = assignment();
    await running.assign([0, 1]);
    partitions.get(0).nextOffset = offset;
    expect(await running.inRange()).toBe(true);
    partitions.get(0).nextOffset = offset === 5 ? 4 : 11;
    expect(await running.inRange()).toBe(false);
  });

  it('need not be in range if they are not read', async () => {
    const running = assignment();
    await running.assign([0, 1]);
    partitions.stopReading([0]);
    expect(await running.inRange()).toBe(true);
  });

  it('that Kafka has need no gap', async () => {
    const recordGaps = vi.spyOn(sink, 'recordGaps');
    await standing(5, { onLostOffsets: 'gap' }).assign([0, 1]);
    expect(recordGaps).not.toHaveBeenCalled();
  });

  it('are compared with the log below them if the leader epoch of any is known', async () => {
    const inspect = vi.spyOn(source, 'inspect');
    await standing(6).assign([0, 1]);
    expect(inspect).not.toHaveBeenCalled();
    await standing(6, {}, 7).assign([0, 1]);
    expect(inspect.mock.calls).toMatchObject([
      [
        [
          { partition: 0, leaderEpoch: 7 },
          { partition: 1, leaderEpoch: undefined },
        ],
        [0, 1],
      ],
    ]);
  });

  it('are made durable for new partitions only', async () => {
    const initPositions = vi.spyOn(sink, 'initPositions');
    const running = assignment();
    await running.assign([0, 1]);
    await running.assignAgain();
    expect(initPositions).toHaveBeenCalledTimes(1);
  });

  it.each([5, 10])('begin at the offset %d that the group has committed, as Kafka has it', async (offset) => {
    source.committedOffsets.set(0, offset);
    source.committedOffsets.set(1, 1);
    await assignment({ startFrom: 'group' }).assign([0, 1]);
    expect(sink.starts[0]).toEqual({ partition: 0, nextOffset: offset, reason: 'group' });
    expect(told(40)).toEqual([]);
  });

  it('begin elsewhere than the group has committed with a warning', async () => {
    source.committedOffsets.set(0, 11);
    await assignment({ startFrom: 'group' }).assign([0, 1]);
    expect(told(40)).toMatchObject([
      { partition: 0, msg: expect.stringMatching(/the offset 11, and Kafka has 5 to 10.* begins at 5/) },
      { partition: 1, msg: expect.stringMatching(/no offset.* begins at 0/) },
    ]);
  });

  it('begin at the start of Kafka without a warning if nobody asked for those of the group', async () => {
    await assignment().assign([0, 1]);
    expect(told(40)).toEqual([]);
  });
});
