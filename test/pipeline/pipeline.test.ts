import { beforeEach, describe, expect, it } from 'vitest';
import { SluiceError } from '../../src/core/errors.js';
import type { BatchTask } from '../../src/core/flow.js';
import { Metrics } from '../../src/metrics/metrics.js';
import { Pipeline, type PipelineOptions, type PipelineParts } from '../../src/pipeline/pipeline.js';
import { FakeSink, FakeSource, fakeBatch, messages, PIPELINE_OPTIONS, silent, until } from '../support/fakes.js';

const MIB = 1 << 20;
const OPTIONS: PipelineOptions = { ...PIPELINE_OPTIONS, untilEnd: true };

let source: FakeSource;
let sink: FakeSink;

beforeEach(() => {
  source = new FakeSource([messages(Array.from({ length: 103 }, (_, i) => i * 2)), messages([]), messages([7])]);
  sink = new FakeSink();
});

function pipeline(options: Partial<PipelineOptions> = {}, parts: Partial<PipelineParts> = {}): Pipeline {
  const all = { source, sink, runBatch: fakeBatch, metrics: new Metrics(), log: silent, ...parts };
  return new Pipeline({ ...OPTIONS, ...options }, all);
}

async function run(made: Pipeline): Promise<void> {
  await source.start();
  await made.run(await sink.open());
}

/** The committed ranges of a partition, in the order of their commits. */
const ranges = (partition: number) =>
  sink.batches
    .filter((batch) => batch.partition === partition)
    .map(({ startOffset, nextOffset, stats }) => [startOffset, nextOffset, stats.ok]);

describe('Pipeline', () => {
  it('commits every message once, in contiguous ranges up to the end', async () => {
    const made = pipeline();
    await run(made);
    const committed = ranges(0);
    expect(committed.reduce((rows, [, , ok]) => rows + ok, 0)).toBe(103);
    expect(committed[0][0]).toBe(0);
    expect(committed.at(-1)![1]).toBe(205);
    for (const [index, [start]] of committed.entries()) if (index > 0) expect(start).toBe(committed[index - 1][1]);
    expect(ranges(2)).toEqual([[7, 8, 1]]);
    expect(made.status().totals).toMatchObject({ events: 104, merged: 104, bytes: 104 });
    expect(source.commits.at(-1)).toBeDefined();
  });

  it('does not count waiting for messages as consuming them', async () => {
    const metrics = new Metrics();
    const made = pipeline({ untilEnd: false }, { metrics });
    const seconds = async (stage: string) =>
      (await metrics.stageSeconds.get()).values.find(({ labels }) => labels.stage === stage)!.value;
    const done = run(made);
    await until(() => made.status().totals.merged === 104);
    const [consume, idle, idleMs] = [await seconds('consume'), await seconds('idle'), made.idleMs];
    await until(() => made.idleMs > idleMs);
    expect(await seconds('idle')).toBeGreaterThan(idle);
    expect(await seconds('consume')).toBe(consume);
    expect(made.status().totals.events).toBe(104);
    made.stop();
    await done;
  });

  it('gives each task the issue bits', async () => {
    const tasks: BatchTask[] = [];
    const runBatch = (task: BatchTask) => {
      tasks.push(task);
      return fakeBatch(task);
    };
    sink.issueBits = [7, 3];
    await run(pipeline({}, { runBatch }));
    expect(tasks.length).toBeGreaterThan(1);
    expect(new Set(tasks.map(({ issueBits }) => issueBits.join()))).toEqual(new Set(['7,3']));
  });

  it('does not read past the ends seen at start', async () => {
    source.ranges.set(0, { low: 0, high: 101 });
    await run(pipeline());
    expect(ranges(0).at(-1)![1]).toBe(101);
    expect(ranges(0).reduce((rows, [, , ok]) => rows + ok, 0)).toBe(51);
  });

  it('moves on past offsets without messages at the end of a partition', async () => {
    source.ranges.set(2, { low: 7, high: 12 });
    source.ranges.set(1, { low: 0, high: 3 });
    await run(pipeline());
    expect(ranges(2).at(-1)![1]).toBe(12);
    expect(ranges(1)).toEqual([[0, 3, 0]]);
  });

  it('continues from the position of the sink', async () => {
    await run(pipeline());
    const before = sink.batches.length;
    source.log[2].push(...messages([8, 9]));
    source.ranges.set(2, { low: 7, high: 10 });
    await run(pipeline());
    expect(sink.batches.slice(before).map(({ partition, stats }) => [partition, stats.ok])).toEqual([[2, 2]]);
  });

  it('reads a message larger than a chunk and larger than a batch', async () => {
    source = new FakeSource([[...messages([0, 1]), ...messages([2], 'y'.repeat(3 * MIB)), ...messages([3])]]);
    const sizes: number[] = [];
    const runBatch: PipelineParts['runBatch'] = (task) => {
      sizes.push(...task.chunks.map(({ valueBytes }) => valueBytes));
      return fakeBatch(task);
    };
    source.rowsPerFill = 1;
    await run(pipeline({}, { source, runBatch }));
    expect(sizes.reduce((a, b) => a + b)).toBe(3 * MIB + 3);
    expect(ranges(0).reduce((rows, [, , ok]) => rows + ok, 0)).toBe(4);
  });

  it('starts over from the positions when partitions are revoked and assigned again', async () => {
    const made = pipeline({ untilEnd: false, flushIntervalMs: 60_000 });
    const done = run(made);
    await until(() => made.status().totals.events === 104);
    const partitions = [0, 1, 2];
    source.changes.push({ kind: 'revoked', partitions, lost: false }, { kind: 'assigned', partitions });
    await until(() => made.status().totals.events > 104 || source.changes.length === 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    made.stop();
    await done;
    expect(ranges(0).reduce((rows, [, , ok]) => rows + ok, 0)).toBe(103);
    expect(sink.positions.get(0)!.nextOffset).toBe(205);
  });

  it('commits what was read when it is stopped', async () => {
    const made = pipeline({ untilEnd: false, flushIntervalMs: 60_000 });
    const done = run(made);
    await until(() => made.status().totals.events === 104);
    made.stop();
    await done;
    expect(made.status().totals.merged).toBe(104);
  });

  it('carries the leader epoch of what was read to the sink', async () => {
    source.leaderEpoch = 4;
    await run(pipeline());
    expect(sink.positions.get(2)).toMatchObject({ nextOffset: 8, leaderEpoch: 4 });
  });

  it('records messages that are lost during a run as a gap, and continues after it', async () => {
    const made = pipeline({ untilEnd: false, onLostOffsets: 'gap' });
    const done = run(made);
    await until(() => sink.positions.get(2)?.nextOffset === 8);
    // Of partition 2, messages up to 19 came and were deleted before they were read.
    source.ranges.set(2, { low: 20, high: 22 });
    source.log[2].splice(0, 1, ...messages([20, 21]));
    source.positions.set(2, 1000);
    source.failures.push(new SluiceError('SLUICE_OFFSET_OUT_OF_RANGE', 'gone'));
    await until(() => made.status().totals.events === 106);
    made.stop();
    await done;
    expect(sink.gaps).toEqual([{ partition: 2, startOffset: 8, nextOffset: 20 }]);
    expect(ranges(2)).toEqual([
      [7, 8, 1],
      [20, 22, 2],
    ]);
    expect(made.status().totals).toMatchObject({ merged: 106, lostOffsets: 12 });
  });

  it('ends when messages are lost, after what was read before is committed', async () => {
    const made = pipeline({ untilEnd: false, flushIntervalMs: 60_000 });
    const done = run(made);
    await until(() => made.status().totals.events === 104);
    source.ranges.set(2, { low: 20, high: 22 });
    source.failures.push(new SluiceError('SLUICE_OFFSET_OUT_OF_RANGE', 'gone'));
    await expect(done).rejects.toMatchObject({
      code: 'SLUICE_OFFSET_OUT_OF_RANGE',
      message: expect.stringContaining('position 8'),
    });
    expect(sink.batches.reduce((rows, { stats }) => rows + stats.ok, 0)).toBe(104);
  });

  it('continues if nothing is wrong after all, but not for ever', async () => {
    const made = pipeline({ untilEnd: false });
    const done = run(made);
    await until(() => made.status().totals.merged === 104);
    const gone = new SluiceError('SLUICE_OFFSET_OUT_OF_RANGE', 'again and again');
    source.failures.push(gone, gone, gone);
    await until(() => source.assigned.length === 4);
    source.log[2].push(...messages([8]));
    source.ranges.set(2, { low: 7, high: 9 });
    await until(() => made.status().totals.merged === 105);
    source.failures.push(gone, gone, gone);
    await until(() => source.assigned.length === 7);
    source.failures.push(gone);
    await expect(done).rejects.toThrow('again and again');
  });

  it('waits for its partitions when the group does not find the topic at once', async () => {
    source.failures.push(new SluiceError('SLUICE_UNKNOWN_TOPIC', 'subscribed topic not available'));
    const changes = source.changes;
    source.start = async () => {
      setTimeout(() => changes.push({ kind: 'assigned', partitions: [0, 1, 2] }), 20);
    };
    const made = pipeline();
    await run(made);
    expect(made.status().totals).toMatchObject({ events: 104, merged: 104 });
  });

  it('commits nothing of another topic that took the place of the one it reads', async () => {
    source.rowsPerFill = 1;
    const made = pipeline({ untilEnd: false });
    const commit = sink.commit.bind(sink);
    const done = run(made);
    let [committed, read] = [0, 0];
    sink.commit = async () => {
      const receipt = await commit();
      if (committed === 0) {
        source.topicIdentity = { clusterId: 'cluster', topicId: 'another' };
        [committed, read] = [sink.batches.length, made.status().totals.events];
      }
      return receipt;
    };
    await expect(done).rejects.toMatchObject({ code: 'SLUICE_TOPIC_CHANGED' });
    expect(sink.identity.topicId).toBe('topic');
    // Batches that were proven before the change may still be committed.
    const offsets = sink.batches.slice(committed).map(({ nextOffset }) => nextOffset);
    expect(Math.max(0, ...offsets)).toBeLessThanOrEqual(2 * read);
  });

  it('has small files joined while there is little to read, and continues if that fails', async () => {
    const lags: number[] = [];
    const metrics = new Metrics();
    const made = pipeline({}, { metrics });
    sink.compact = async () => {
      lags.push([...source.positions].reduce((sum, [partition, next]) => sum + source.lag(partition, next), 0));
      throw new Error('no space');
    };
    await run(made);
    expect(made.status().totals.merged).toBe(104);
    expect(lags.length).toBeGreaterThan(0);
    expect(Math.max(...lags)).toBeLessThan(OPTIONS.batchRows);
    expect((await metrics.errors.get()).values).toMatchObject([
      { labels: { code: 'SLUICE_SINK' }, value: lags.length },
    ]);
  });

  it('stops polling while too much is in flight, and fails with what a worker failed with', async () => {
    source = new FakeSource([messages(Array.from({ length: 1000 }, (_, i) => i))]);
    let fail!: (error: Error) => void;
    const stuck = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const made = pipeline({ untilEnd: false }, { source, runBatch: () => stuck });
    const done = run(made);
    const limit = (OPTIONS.workers + 1) * OPTIONS.batchRows;
    await until(() => made.status().totals.events >= limit);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(made.status().totals.events).toBeLessThan(limit + 2 * OPTIONS.batchRows);
    fail(new Error('worker died'));
    await expect(done).rejects.toThrow('worker died');
    expect(sink.batches).toEqual([]);
  });
});
