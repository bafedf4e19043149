import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { BatchTask } from '../../src/core/flow.js';
import { Metrics } from '../../src/metrics/metrics.js';
import { Pipeline, type PipelineOptions, type PipelineParts } from '../../src/pipeline/pipeline.js';
import { FakeSink, FakeSource, fakeBatch, messages, PIPELINE_OPTIONS, silent, until } from '../support/fakes.js';

const OPTIONS = PIPELINE_OPTIONS;

let source: FakeSource;
let sink: FakeSink;
/** What holds the work on each partition's batches back. */
let gates: Map<number, Promise<void>>;

beforeEach(() => {
  source = new FakeSource([messages([0, 1, 2]), messages([0, 1, 2])]);
  sink = new FakeSink();
  sink.needsWholeTopic = false;
  gates = new Map();
});

/** A pipeline that runs until the test stops it. */
async function start(options: Partial<PipelineOptions> = {}, prepare?: PipelineParts['prepare']) {
  const runBatch = async (task: BatchTask) => {
    await gates.get(task.partition);
    return await fakeBatch(task);
  };
  const made = new Pipeline(
    { ...OPTIONS, ...options },
    { source, sink, runBatch, prepare, metrics: new Metrics(), log: silent },
  );
  const state = await sink.open();
  const done = made.run(state);
  const stop = async () => {
    made.stop();
    await done;
  };
  return { made, done, stop };
}

/** Holds the work on a partition's batches back. @returns what lets it go */
function hold(partition: number): () => void {
  let open!: () => void;
  gates.set(partition, new Promise((resolve) => (open = resolve)));
  return () => open();
}

/** Appends a message to a partition's log, and waits until it is committed. */
async function flows(partition: number): Promise<void> {
  const offset = (source.log[partition].at(-1)?.offset ?? -1) + 1;
  source.log[partition].push(...messages([offset]));
  source.ranges.set(partition, { low: 0, high: offset + 1 });
  await until(() => sink.positions.get(partition)?.nextOffset === offset + 1);
}

const assigned = (...partitions: number[]) => source.changes.push({ kind: 'assigned', partitions });
const revoked = (lost: boolean, ...partitions: number[]) => source.changes.push({ kind: 'revoked', partitions, lost });
const read = () => [...source.positions.keys()];
const offsetsOf = (partition: number) =>
  sink.batches
    .filter((batch) => batch.partition === partition)
    .map(({ startOffset, nextOffset }) => [startOffset, nextOffset]);

describe('a partition that is taken', () => {
  it('is given up when what is in flight of it is committed; the others are read and committed meanwhile', async () => {
    const open = hold(0);
    const { made, stop } = await start({ shutdownGraceMs: 3_600_000 });
    assigned(0, 1);
    await until(() => made.status().inFlightBatches > 0 && sink.positions.get(1)?.nextOffset === 3);
    revoked(false, 0);
    await until(() => source.changes.length === 0);
    // A commit waits two seconds for the batch of partition 0, which was due when its own were.
    const now = performance.now.bind(performance);
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() * 10);
    onTestFinished(() => clock.mockRestore());
    await flows(1);
    await flows(1);
    expect(source.unassigned).toEqual([]);
    expect(made.status().ready).toBe(true);
    open();
    await until(() => source.unassigned.length > 0);
    expect(source.unassigned).toEqual([[0]]);
    expect(sink.released).toEqual([0]);
    expect(offsetsOf(0)).toEqual([[0, 3]]);
    expect(made.status().partitions.map(({ partition }) => partition)).toEqual([1]);
    await flows(1);
    await stop();
  });

  it('is dropped if another process has it already: nothing of it is committed, whatever was staged', async () => {
    const { made, stop } = await start();
    assigned(0, 1);
    await until(() => sink.positions.get(0)?.nextOffset === 3 && sink.positions.get(1)?.nextOffset === 3);
    // While a commit of partition 1 is under way, a batch of partition 0 is staged, and another one is with a worker.
    const commit = sink.commit.bind(sink);
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    sink.commit = async () => {
      const receipt = commit();
      await held;
      return await receipt;
    };
    source.log[1].push(...messages([3]));
    await until(() => sink.positions.get(1)?.nextOffset === 4);
    sink.commit = commit;
    source.log[0].push(...messages([3]));
    await until(() => made.status().totals.events === 8 && made.status().inFlightBatches === 0);
    const open = hold(0);
    source.log[0].push(...messages([4]));
    await until(() => made.status().inFlightBatches === 1);
    revoked(true, 0);
    await until(() => source.changes.length === 0);
    expect(source.unassigned).toEqual([]);
    release();
    await until(() => source.unassigned.length > 0);
    expect(sink.released).toEqual([0]);
    expect(made.status().inFlightBatches).toBe(0);
    open();
    await flows(1);
    await stop();
    expect(offsetsOf(0)).toEqual([[0, 3]]);
    expect(sink.positions.get(0)!.nextOffset).toBe(3);
  });

  it.each([true, false])('is given up at once if it waits for a schema (lost: %j)', async (lost) => {
    const ran: number[] = [];
    let waited = 0;
    const prepare = async (task: BatchTask, dropped: AbortSignal) => {
      if (task.partition === 0 && task.startOffset === 3 && ++waited) {
        await new Promise((_, reject) => dropped.addEventListener('abort', () => reject(new Error('dropped'))));
      }
      if (task.partition === 0) ran.push(task.startOffset);
      return task;
    };
    const { made, stop } = await start({ shutdownGraceMs: 3_600_000 }, prepare);
    assigned(0, 1);
    await until(() => sink.positions.get(0)?.nextOffset === 3 && sink.positions.get(1)?.nextOffset === 3);
    source.log[0].push(...messages([3]));
    await until(() => waited === 1);
    source.log[0].push(...messages(Array.from({ length: OPTIONS.batchRows }, (_, index) => 4 + index)));
    await until(() => ran.length === 2);
    revoked(lost, 0);
    await until(() => source.unassigned.length > 0);
    await flows(1);
    expect(made.status()).toMatchObject({ inFlightBatches: 0, chunksInUse: 1 });
    await stop();
    expect(ran).toEqual([0, 4]);
    expect(offsetsOf(0)).toEqual([[0, 3]]);
  });

  it('is not read any further: what is open of it, and what still comes, is forgotten', async () => {
    source.rowsPerFill = 1;
    const { made, stop } = await start({ flushIntervalMs: 60_000, batchRows: 4 });
    assigned(0, 1);
    // The first batches are not held back.
    await until(() => sink.positions.get(0)?.nextOffset === 3 && sink.positions.get(1)?.nextOffset === 3);
    const open = hold(0);
    // Of these, four are in flight, and one is in an open batch.
    source.log[0].push(...messages([3, 4, 5, 6, 7]));
    await until(() => made.status().totals.events === 11 && made.status().inFlightBatches === 1);
    revoked(false, 0);
    await until(() => source.changes.length === 0);
    source.log[0].push(...messages([8, 9]));
    await until(() => source.positions.get(0) === 10);
    open();
    await until(() => source.unassigned.length > 0);
    await stop();
    expect(made.status().totals.events).toBe(11);
    expect(offsetsOf(0).at(-1)).toEqual([3, 7]);
  });

  it('begins where its other owner left it when it comes back', async () => {
    const { stop } = await start();
    assigned(0, 1);
    await until(() => sink.positions.get(0)?.nextOffset === 3);
    revoked(false, 0);
    await until(() => source.unassigned.length > 0);
    source.log[0].push(...messages([3, 4]));
    source.ranges.set(0, { low: 0, high: 5 });
    sink.positions.set(0, { ...sink.positions.get(0)!, nextOffset: 4 });
    assigned(0);
    await until(() => sink.positions.get(0)?.nextOffset === 5);
    await stop();
    expect(offsetsOf(0)).toEqual([
      [0, 3],
      [4, 5],
    ]);
  });
});

describe('a process that shares a topic', () => {
  it('is ready without a partition, and reads on while it gets some', async () => {
    const { made, stop } = await start();
    assigned();
    await until(() => made.status().ready);
    assigned(1);
    await flows(1);
    let answer!: () => void;
    const claim = sink.claim.bind(sink);
    const held = new Promise<void>((resolve) => (answer = resolve));
    sink.claim = async (partitions) => {
      const claimed = await claim(partitions);
      await held;
      return claimed;
    };
    const identity = source.identity.bind(source);
    const asked = new Promise<void>((resolve) => {
      source.identity = async () => {
        resolve();
        return await identity();
      };
    });
    assigned(0);
    await asked;
    source.log[1].push(...messages([4]));
    await until(() => source.positions.get(1) === 5);
    expect(read()).toEqual([1]);
    answer();
    await until(() => read().includes(0));
    expect(source.assigned.map((positions) => positions.map(({ partition }) => partition))).toEqual([[], [1], [0]]);
    await stop();
  });

  it('takes partitions over between two commits, never beside one', async () => {
    const { stop } = await start();
    let committing = false;
    const commit = sink.commit.bind(sink);
    sink.commit = async () => {
      committing = true;
      await new Promise((resolve) => setTimeout(resolve, 5));
      committing = false;
      return await commit();
    };
    const beside: boolean[] = [];
    const { claim, initPositions, release } = sink;
    sink.claim = (...args) => {
      beside.push(committing);
      return claim.apply(sink, args);
    };
    sink.initPositions = (...args) => {
      beside.push(committing);
      return initPositions.apply(sink, args);
    };
    sink.release = (...args) => {
      beside.push(committing);
      return release.apply(sink, args);
    };
    assigned(1);
    await flows(1);
    for (let round = 0; round < 10; round++) {
      source.log[1].push(...messages([4 + round]));
      assigned(0);
      await until(() => read().includes(0));
      revoked(false, 0);
      await until(() => !read().includes(0));
    }
    await stop();
    expect(beside).toEqual(new Array(beside.length).fill(false));
    expect(beside.length).toBeGreaterThan(20);
  });

  it('does not end with --until-end before it had partitions, nor while some are on their way', async () => {
    const { made, done } = await start({ untilEnd: true });
    assigned();
    await until(() => made.status().ready);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(made.status().ready).toBe(true);
    const partitionCount = source.partitionCount.bind(source);
    source.partitionCount = async () => {
      if (read().length > 0) await until(() => sink.positions.get(1)?.nextOffset === 3);
      return await partitionCount();
    };
    assigned(1);
    assigned(0);
    await done;
    expect([offsetsOf(0), offsetsOf(1)]).toEqual([[[0, 3]], [[0, 3]]]);
  });

  it.each([false, true])('does not keep a run from its end for longer than the grace period', async (reads) => {
    const { stop } = await start({ shutdownGraceMs: 20 });
    if (reads) assigned(1);
    if (reads) await flows(1);
    const claim = vi.spyOn(sink, 'claim').mockReturnValue(new Promise(() => {}));
    assigned(0);
    await until(() => claim.mock.calls.length > 0);
    await stop();
    expect(read()).toEqual(reads ? [1] : []);
  });

  it('fails with what an answer fails with, and reads nothing more', async () => {
    const { done } = await start();
    assigned(1);
    await flows(1);
    sink.claim = async () => Promise.reject(new Error('the catalog is gone'));
    assigned(0);
    await expect(done).rejects.toThrow('the catalog is gone');
  });
});
