import { beforeEach, describe, expect, it } from 'vitest';
import type { BatchTask } from '../../src/core/flow.js';
import { Metrics } from '../../src/metrics/metrics.js';
import { Pipeline, type PipelineOptions, type PipelineParts } from '../../src/pipeline/pipeline.js';
import { FakeSink, FakeSource, fakeBatch, messages, PIPELINE_OPTIONS, silent, until } from '../support/fakes.js';

const MIB = 1 << 20;
const OPTIONS: PipelineOptions = { ...PIPELINE_OPTIONS, commitBytes: 1 << 20 };

let source: FakeSource;
let sink: FakeSink;

beforeEach(() => {
  sink = new FakeSink();
});

async function run(made: Pipeline): Promise<void> {
  await source.start();
  await made.run(await sink.open());
}

describe('the dispatch of many partitions', () => {
  const PARTITIONS = 30;
  const ROWS = 12;
  /** So many batches go together, though there are fewer workers. */
  const TOGETHER = 8;
  const MEMORY = { bufferBytes: 4 * MIB, batchBytes: 4 * MIB };
  let tasks: BatchTask[];
  let release: () => void;

  /** Has batches wait for workers that do not end before `release`. */
  function manyPartitions(
    options: Partial<PipelineOptions>,
    sizeOf: (partition: number) => number,
    prepare?: PipelineParts['prepare'],
  ): Pipeline {
    source = new FakeSource(
      Array.from({ length: PARTITIONS }, (_, partition) =>
        messages(
          Array.from({ length: ROWS }, (_, i) => i),
          'x'.repeat(sizeOf(partition)),
        ),
      ),
    );
    source.rowsPerFill = 1;
    tasks = [];
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const runBatch = async (task: BatchTask) => {
      tasks.push(task);
      await released;
      return fakeBatch(task);
    };
    const parts = { source, sink, runBatch, prepare, metrics: new Metrics(), log: silent };
    return new Pipeline({ ...OPTIONS, ...options }, parts);
  }

  const committedRows = () => sink.batches.reduce((rows, { stats }) => rows + stats.ok, 0);

  it('lets batches fill until a worker is free', async () => {
    const made = manyPartitions({}, () => 1);
    const done = run(made);
    await until(() => made.status().totals.events === PARTITIONS * ROWS && tasks.length >= TOGETHER);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(tasks).toHaveLength(TOGETHER);
    release();
    await until(() => committedRows() === PARTITIONS * ROWS);
    made.stop();
    await done;
    expect(tasks.length).toBeLessThanOrEqual(PARTITIONS + TOGETHER);
  });

  it('lets no worker but one wait, however many there are', async () => {
    const workers = TOGETHER + 4;
    const made = manyPartitions({ workers }, () => 1);
    const done = run(made);
    await until(() => made.status().totals.events === PARTITIONS * ROWS && tasks.length > workers);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(tasks).toHaveLength(workers + 1);
    release();
    made.stop();
    await done;
    expect(committedRows()).toBe(PARTITIONS * ROWS);
  });

  it('keeps the workers busy while batches wait for what they need', async () => {
    // More than there are workers, and less than may be in flight.
    const WAITING = 5;
    let arrive = () => {};
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const prepare = async (task: BatchTask) => {
      if (task.partition < WAITING) await arrived;
      return task;
    };
    const made = manyPartitions({}, () => 1, prepare);
    release();
    const done = run(made);
    await until(() => committedRows() === (PARTITIONS - WAITING) * ROWS);
    expect(tasks.every(({ partition }) => partition >= WAITING)).toBe(true);
    arrive();
    await until(() => committedRows() === PARTITIONS * ROWS);
    made.stop();
    await done;
  });

  it('goes on reading whatever one partition has waiting', async () => {
    // A third of what may be in flight, and less than a fill.
    const batchRows = 3;
    const prepare = async (task: BatchTask, dropped: AbortSignal) => {
      if (task.partition > 0) return task;
      return await new Promise<BatchTask>((_, reject) => dropped.addEventListener('abort', () => reject(new Error())));
    };
    const made = manyPartitions({ batchRows, shutdownGraceMs: 10 }, () => 1, prepare);
    source.rowsPerFill = ROWS;
    release();
    const done = run(made);
    await until(() => committedRows() === (PARTITIONS - 1) * ROWS);
    expect(made.status().inFlightBatches).toBe(1);
    made.stop();
    await done;
  });

  it('keeps the workers busy while the topic is confirmed', async () => {
    const made = manyPartitions({}, () => 1);
    release();
    let confirm = () => {};
    const confirmed = new Promise<void>((resolve) => {
      confirm = resolve;
    });
    source.identity = async () => {
      // The first request is that of the assignment.
      if (source.positions.size > 0) await confirmed;
      return source.topicIdentity;
    };
    const done = run(made);
    await until(() => tasks.length >= PARTITIONS);
    expect(committedRows()).toBe(0);
    confirm();
    await until(() => committedRows() === PARTITIONS * ROWS);
    made.stop();
    await done;
  });

  it('gives the workers the largest batches when no memory is left', async () => {
    const large = [9, 18, 27];
    const made = manyPartitions({ flushIntervalMs: 60_000, batchRows: 1000, ...MEMORY }, (partition) =>
      large.includes(partition) ? 80_000 : 10,
    );
    const done = run(made);
    await until(() => tasks.length > 0);
    expect(large).toContain(tasks[0].partition);
    release();
    await until(() => made.status().totals.events === PARTITIONS * ROWS);
    made.stop();
    await done;
    expect(committedRows()).toBe(PARTITIONS * ROWS);
  });
});
