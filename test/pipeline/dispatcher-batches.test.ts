/** A dispatcher alone: to which batches workers are given, and what they are told. */
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { NO_STATS } from '../../src/core/batch-stats.js';
import { ChunkPool } from '../../src/core/chunk.js';
import type { BatchResult, BatchTask } from '../../src/core/flow.js';
import { Metrics } from '../../src/metrics/metrics.js';
import { Batcher } from '../../src/pipeline/batcher.js';
import { Dispatcher } from '../../src/pipeline/dispatcher.js';
import type { Partitions } from '../../src/pipeline/partition.js';
import type { Sequencer } from '../../src/pipeline/sequencer.js';
import { fillChunk } from '../support/chunks.js';
import { messages } from '../support/fakes.js';
import { sequencing, turn } from '../support/sequencing.js';

const WORKERS = 2;
let partitions: Partitions;
let sequencer: Sequencer;
let pool: ChunkPool;
let batcher: Batcher;
let dispatcher: Dispatcher;
let metrics: Metrics;
let tasks: BatchTask[];
/** Ends the work on a task. */
let end: ((stats?: Partial<BatchResult['stats']>) => Promise<unknown>)[];
/** How often the topic was to be confirmed, and what does it. */
let confirm: (() => void)[];

beforeEach(() => {
  ({ partitions, sequencer } = sequencing(() => 0));
  for (let number = 0; number < 8; number++) partitions.get(number).nextOffset = 0;
  pool = new ChunkPool(64 << 20);
  batcher = new Batcher({ batchRows: 100, batchBytes: 1 << 20, flushIntervalMs: 250 }, pool, partitions);
  metrics = new Metrics();
  [tasks, end, confirm] = [[], [], []];
  const runBatch = (task: BatchTask) =>
    new Promise<BatchResult>((resolve) => {
      tasks.push(task);
      const { partition, startOffset } = task;
      end.push((stats) => {
        resolve({ partition, startOffset, stats: { ...NO_STATS, ...stats } } as BatchResult);
        return turn();
      });
    });
  const confirmTopic = () => new Promise<void>((resolve) => confirm.push(resolve));
  dispatcher = new Dispatcher(WORKERS, { batcher, chunks: pool, sequencer, metrics, runBatch, confirmTopic });
});

/** Reads that many messages of a partition. */
function read(partition: number, rows: number, leaderEpoch?: number): void {
  const { nextOffset = 0 } = partitions.get(partition);
  const offsets = Array.from({ length: rows }, (_, index) => nextOffset + index);
  const position = { partition, nextOffset: nextOffset + rows, leaderEpoch };
  batcher.add(position, fillChunk(pool.acquire()!, messages(offsets)), performance.now());
}

/** Has so many batches of another partition in flight; eight are never too many. */
function occupy(batches: number): void {
  const partition = partitions.get(7);
  for (let index = 0; index < batches; index++) {
    sequencer.add({ partition, rows: 0, valueBytes: 0, dueMs: 0 }, new Promise(() => {}));
  }
}

const dispatched = () => tasks.map(({ partition }) => partition);

describe('Dispatcher', () => {
  it('confirms the topic once for what goes together, and not for nothing', () => {
    dispatcher.dispatchDue(false);
    expect(confirm).toHaveLength(0);
    for (const partition of [0, 1]) read(partition, 100);
    dispatcher.dispatchDue(false);
    expect([dispatched(), confirm.length]).toEqual([[0, 1], 1]);
  });

  it('tells a worker the range, the owner and the memory of a batch, which is free after it', async () => {
    partitions.note([{ ...partitions.get(3).committed, epoch: 9 }]);
    dispatcher.issueBits = [2, 1];
    read(3, 5, 4);
    dispatcher.dispatchAll();
    expect(tasks).toMatchObject([
      { partition: 3, startOffset: 0, nextOffset: 5, leaderEpoch: 4, epoch: 9, issueBits: [2, 1] },
    ]);
    expect(tasks[0].chunks.map(({ rows }) => rows)).toEqual([5]);
    expect(pool.chunksInUse).toBe(1);
    await end[0]();
    expect(pool.chunksInUse).toBe(0);
  });

  it('gives workers what is worth a file only if one of them has nothing to do', () => {
    for (const partition of [0, 1, 2, 3]) {
      read(partition, 50);
      dispatcher.dispatchDue(true);
    }
    expect(dispatched()).toEqual([0, 1]);
    occupy(5);
    dispatcher.dispatchLargest();
    expect(dispatched()).toEqual([0, 1, 2]);
    dispatcher.dispatchLargest();
    expect(dispatched()).toEqual([0, 1, 2]);
    dispatcher.dispatchAll();
    expect(dispatched()).toEqual([0, 1, 2, 3]);
  });

  it('is woken when a batch is due that a worker could take', () => {
    const clock = vi.spyOn(performance, 'now').mockReturnValue(1000);
    onTestFinished(() => clock.mockRestore());
    occupy(5);
    for (const partition of [0, 1]) read(partition, 100);
    dispatcher.dispatchDue(false);
    read(2, 1);
    expect(dispatcher.msToNextDue(1010, 300)).toBe(240);
    read(3, 100);
    dispatcher.dispatchDue(false);
    expect(dispatcher.msToNextDue(1010, 300)).toBe(300);
  });

  it('does not count for workers what waits for the proof of its topic, and hands it on after it', async () => {
    occupy(5);
    for (const partition of [0, 1, 2]) read(partition, 100);
    dispatcher.dispatchDue(false);
    for (const partition of [3, 4]) read(partition, 1);
    dispatcher.dispatchLargest();
    expect(dispatched()).toEqual([0, 1, 2]);
    await end[0]();
    dispatcher.dispatchLargest();
    expect([dispatched(), sequencer.inFlightBatches]).toEqual([[0, 1, 2, 3], 5 + 4]);
    confirm[0]();
    await turn();
    expect(sequencer.inFlightBatches).toBe(5 + 3);
    dispatcher.dispatchLargest();
    expect(dispatched()).toHaveLength(4);
    // Proven by now.
    await end[1]();
    expect(sequencer.inFlightBatches).toBe(5 + 2);
  });

  it('gives workers no more for what was proven first, and nothing early for what is not', async () => {
    const clock = vi.spyOn(performance, 'now').mockReturnValue(1000);
    onTestFinished(() => clock.mockRestore());
    read(0, 100);
    dispatcher.dispatchDue(false);
    read(3, 50);
    await end[0]();
    expect(dispatched()).toEqual([0]);
    for (const partition of [1, 2]) read(partition, 100);
    dispatcher.dispatchDue(false);
    for (const proven of confirm) proven();
    await turn();
    read(4, 100);
    dispatcher.dispatchDue(false);
    expect(dispatched()).toEqual([0, 1, 2, 4]);
    clock.mockReturnValue(2000);
    confirm[2]();
    await turn();
    await end[1]();
    expect(dispatched()).toEqual([0, 1, 2, 4]);
  });

  it('fails with what the proof of the topic fails with', async () => {
    dispatcher = new Dispatcher(WORKERS, {
      ...{ batcher, chunks: pool, sequencer, metrics },
      runBatch: async () => ({ stats: NO_STATS }) as BatchResult,
      confirmTopic: async () => Promise.reject(new Error('another topic')),
    });
    read(0, 1);
    dispatcher.dispatchAll();
    await turn();
    expect(() => sequencer.throwIfFailed()).toThrow('another topic');
  });

  it('counts how long a batch waited for a worker', async () => {
    const clock = vi.spyOn(performance, 'now').mockReturnValue(1000);
    onTestFinished(() => clock.mockRestore());
    for (const partition of [0, 1]) read(partition, 100);
    dispatcher.dispatchDue(false);
    clock.mockReturnValue(4000);
    await end[0]({ kernelSeconds: 1, parquetSeconds: 0.5 });
    const waited = async () => (await metrics.stageSeconds.get()).values.find(({ labels }) => labels.stage === 'wait');
    expect(await waited()).toMatchObject({ value: 1.5 });
    await end[1]({ kernelSeconds: 2, parquetSeconds: 2 });
    expect(await waited()).toMatchObject({ value: 1.5 });
  });
});
