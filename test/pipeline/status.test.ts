import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Metrics } from '../../src/metrics/metrics.js';
import { Partition } from '../../src/pipeline/partition.js';
import { Pipeline, type PipelineOptions } from '../../src/pipeline/pipeline.js';
import { partitionStatus, problemOf, showStatus } from '../../src/pipeline/status.js';
import { FakeSink, FakeSource, fakeBatch, messages, PIPELINE_OPTIONS, silent, until } from '../support/fakes.js';

const LONG_MS = 3_600_000;
const OPTIONS = PIPELINE_OPTIONS;

let source: FakeSource;
let sink: FakeSink;
let metrics: Metrics;

beforeEach(() => {
  source = new FakeSource([messages(Array.from({ length: 103 }, (_, i) => i * 2)), messages([]), messages([7])]);
  sink = new FakeSink();
  metrics = new Metrics();
});

const pipeline = (options: Partial<PipelineOptions> = {}) =>
  new Pipeline({ ...OPTIONS, ...options }, { source, sink, runBatch: fakeBatch, metrics, log: silent });

async function run(made: Pipeline): Promise<void> {
  await source.start();
  await made.run(await sink.open());
}

describe('the status of a pipeline', () => {
  const later = (made: Pipeline) => problemOf(made.status(performance.now() + LONG_MS));

  it('is well however long nothing comes, once all is committed', async () => {
    const made = pipeline();
    const done = run(made);
    await until(() => made.status().totals.merged === 104 && made.status().backlog === 0);
    expect(later(made)).toBeUndefined();
    expect(made.status()).toMatchObject({ ready: true, lag: 0, inFlightBatches: 0 });
    expect(made.status().partitions.map(({ position, lag }) => [position, lag])).toEqual([
      [205, 0],
      [0, 0],
      [8, 0],
    ]);
    made.stop();
    await done;
  });

  it('says that nothing is committed although messages wait, if that lasts', async () => {
    sink.commit = () => new Promise(() => {});
    const made = pipeline({ shutdownGraceMs: 10 });
    const done = run(made);
    await until(() => made.status().totals.events === 104);
    expect(problemOf(made.status())).toBeUndefined();
    expect(later(made)).toMatch(/^nothing was committed for \d+ s, and 104 messages wait$/);
    made.stop();
    await done;
  });

  it('is well but not ready without partitions, as while brokers are gone, whatever waits in them', async () => {
    const made = pipeline();
    const done = run(made);
    await until(() => made.status().totals.merged === 104 && made.status().backlog === 0);
    source.changes.push({ kind: 'revoked', partitions: [0, 1, 2], lost: true });
    await until(() => source.unassigned.length > 0);
    source.log[2].push(...messages([8]));
    expect(later(made)).toBeUndefined();
    expect(made.status()).toMatchObject({ ready: false, lag: 1, backlog: 0 });
    made.stop();
    await done;
  });

  it('counts from when messages began to wait, however long nothing came before', async () => {
    const made = pipeline();
    const done = run(made);
    await until(() => made.status().totals.merged === 104 && made.status().backlog === 0);
    const now = performance.now.bind(performance);
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + LONG_MS);
    onTestFinished(() => clock.mockRestore());
    await until(() => made.status().stalledMs < LONG_MS / 2);
    made.stop();
    await done;
  });

  it('takes a long flush interval into account', async () => {
    const made = pipeline({ flushIntervalMs: LONG_MS, batchRows: 1000 });
    const done = run(made);
    await until(() => made.status().totals.events === 104);
    expect(later(made)).toBeUndefined();
    made.stop();
    await done;
  });

  it('has no gauges of partitions that are held no longer', async () => {
    const partition = { partition: 0, position: 5, lag: 2, lagSeconds: 9, watermarkSeconds: 100, isIdle: false };
    const status = pipeline().status();
    showStatus(metrics, { ...status, partitions: [partition, { ...partition, partition: 1 }] });
    showStatus(metrics, { ...status, partitions: [partition] });
    const text = await metrics.registry.metrics();
    expect(text.match(/^sluice_.*partition="0".*$/gm)).toHaveLength(4);
    expect(text.match(/^sluice_.*partition="1".*$/gm)).toBeNull();
  });

  it('brings the gauges up to date; a partition that is idle does not hold the watermark back', () => {
    const partition = { partition: 0, position: 5, lag: 2, lagSeconds: 9, watermarkSeconds: 100, isIdle: false };
    const partitions = [
      partition,
      { ...partition, partition: 1, watermarkSeconds: 50, isIdle: true },
      { ...partition, partition: 2, watermarkSeconds: undefined },
    ];
    showStatus(metrics, {
      ...pipeline().status(),
      partitions,
      ...{ inFlightBatches: 3, openBatches: 5, openMessages: 6, chunksInUse: 4 },
    });
    return expect(metrics.registry.metrics()).resolves.toSatisfy((text: string) =>
      [
        'sluice_position{partition="0"} 5',
        'sluice_lag_messages{partition="2"} 2',
        'sluice_lag_seconds{partition="2"} 9',
        'sluice_watermark_seconds{partition="1"} 50',
        'sluice_pipeline_watermark_seconds 100',
        'sluice_in_flight_batches 3',
        'sluice_open_batches 5',
        'sluice_open_messages 6',
        'sluice_chunks_in_use 4',
      ].every((line) => text.split('\n').includes(line)),
    );
  });
});

describe('times of messages', () => {
  it('tell the lag in seconds, and the latency once they are committed', async () => {
    const sinceMs = Date.now() - 60_000;
    source = new FakeSource([messages([0, 1, 2, 3]).map((message) => ({ ...message, timestamp: sinceMs }))]);
    const commit = sink.commit.bind(sink);
    let release!: () => void;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    sink.commit = () => released.then(commit);
    const made = pipeline();
    const done = run(made);
    await until(() => made.status().totals.events === 4);
    expect(made.status().partitions[0].lagSeconds).toBeGreaterThanOrEqual(60);
    release();
    await until(() => made.status().totals.merged === 4);
    expect(made.status().partitions[0].lagSeconds).toBe(0);
    made.stop();
    await done;
    const text = await metrics.registry.metrics();
    expect(text).toMatch(/^sluice_message_latency_seconds_bucket\{le="30"\} 0$/m);
    expect(text).toMatch(/^sluice_message_latency_seconds_count 4$/m);
    expect(text).toMatch(/^sluice_last_commit_timestamp_seconds 1\d{9}/m);
  });
});

describe('the status of a partition', () => {
  const statusAt = (nowMs: number, watermark?: bigint, lateAfterMs = 0) => {
    const partition = new Partition({ lag: (number, nextOffset) => number * 100 - nextOffset }, at(0));
    partition.moveTo({ ...at(7), watermark });
    return partitionStatus(partition, lateAfterMs, partition.committedAtMs + nowMs);
  };
  const at = (nextOffset: number) => ({ partition: 2, nextOffset, leaderEpoch: undefined, watermark: undefined });

  it('counts from what is committed', () => {
    expect(statusAt(0)).toMatchObject({ partition: 2, position: 7, lag: 193, watermarkSeconds: undefined });
  });

  it('has the watermark less the allowed lateness', () => {
    expect(statusAt(0, 5_500_000n, 1500).watermarkSeconds).toBe(4);
  });

  it('is idle when nothing was committed for a minute', () => {
    expect([statusAt(59_999).isIdle, statusAt(60_000).isIdle]).toEqual([false, true]);
  });
});

describe('what is wrong with a pipeline', () => {
  const stalled = (stalledMs: number, backlog = 3) =>
    problemOf({ ...pipeline().status(), stalledMs, backlog, maxStalledMs: 120_000 });

  it('is a backlog of which nothing is committed for longer than may be', () => {
    expect(stalled(120_000)).toBeUndefined();
    expect(stalled(121_000)).toBe('nothing was committed for 121 s, and 3 messages wait');
    expect(stalled(121_000, 0)).toBeUndefined();
  });

  it('may last two minutes, and the flush intervals for which a batch stays open', () => {
    expect(pipeline({ flushIntervalMs: 1000 }).status().maxStalledMs).toBe(128_000);
  });
});

describe('the lag of a pipeline', () => {
  it('is as old as what brokers said of the ends of logs, if they have', async () => {
    expect(pipeline().status().lagAgeSeconds).toBeUndefined();
    showStatus(metrics, pipeline().status());
    expect((await metrics.lagAge.get()).values).toMatchObject([{ value: 0 }]);
    source.endsAsOfMs = 1000;
    const status = pipeline().status(4000);
    expect(status.lagAgeSeconds).toBe(3);
    showStatus(metrics, status);
    expect((await metrics.lagAge.get()).values).toMatchObject([{ value: 3 }]);
  });

  it('has no watermark if all partitions are idle or have none', async () => {
    const idle = { partition: 0, position: 5, lag: 2, lagSeconds: 9, watermarkSeconds: 100, isIdle: true };
    showStatus(metrics, { ...pipeline().status(), partitions: [idle, { ...idle, partition: 1 }] });
    expect((await metrics.pipelineWatermark.get()).values).toMatchObject([{ value: 0 }]);
  });
});
