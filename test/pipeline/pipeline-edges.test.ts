/** How a run ends, what it counts, and what it does when something does not go as it should. */
import { setImmediate } from 'node:timers/promises';
import pino from 'pino';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { SluiceError } from '../../src/core/errors.js';
import type { Source } from '../../src/core/source.js';
import { Metrics } from '../../src/metrics/metrics.js';
import { Pipeline, type PipelineOptions } from '../../src/pipeline/pipeline.js';
import { FakeSink, FakeSource, fakeBatch, messages, PIPELINE_OPTIONS, until } from '../support/fakes.js';

const OPTIONS: PipelineOptions = { ...PIPELINE_OPTIONS, onLostOffsets: 'gap' };

let source: FakeSource;
let sink: FakeSink;
let metrics: Metrics;
let logged: string[];

beforeEach(() => {
  source = new FakeSource([messages([0, 1, 2]), messages([]), messages([7])]);
  sink = new FakeSink();
  metrics = new Metrics();
  logged = [];
});

async function start(options: Partial<PipelineOptions> = {}) {
  const log = pino({ base: undefined, timestamp: false }, { write: (line) => void logged.push(line) });
  const made = new Pipeline({ ...OPTIONS, ...options }, { source, sink, runBatch: fakeBatch, metrics, log });
  await source.start();
  const done = made.run(await sink.open());
  const stop = async () => {
    made.stop();
    await done;
  };
  return { made, done, stop };
}

/** The clock goes on by so much. */
function pass(ms: number): void {
  const now = performance.now.bind(performance);
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + ms);
  onTestFinished(() => clock.mockRestore());
}

const warnings = () => logged.map((line) => JSON.parse(line)).filter(({ level }) => level === 40);

describe('a run', () => {
  it('counts what it reads, and when it has committed first', async () => {
    const { made, stop } = await start();
    expect(made.firstCommitMs).toBeUndefined();
    await until(() => made.status().totals.merged === 4);
    const first = made.firstCommitMs;
    expect(first).toBeGreaterThan(0);
    source.log[0].push(...messages([3], 'four'));
    await until(() => made.status().totals.merged === 5);
    expect(made.firstCommitMs).toBe(first);
    expect(made.status().totals).toMatchObject({ events: 5, bytes: 8 });
    expect((await metrics.events.get()).values).toMatchObject([{ value: 5 }]);
    expect((await metrics.bytes.get()).values).toMatchObject([{ value: 8 }]);
    expect(made.status().ready).toBe(true);
    await stop();
    expect(made.status().ready).toBe(false);
  });

  it('tries a commit again, and counts and says that it failed', async () => {
    const commit = sink.commit.bind(sink);
    const full = new SluiceError('SLUICE_DATA_DIR', 'disk full', { retryable: true });
    sink.commit = vi.fn(commit).mockRejectedValueOnce(full);
    const { made, stop } = await start();
    await until(() => made.status().totals.merged === 4);
    await stop();
    expect((await metrics.errors.get()).values).toMatchObject([{ labels: { code: 'SLUICE_DATA_DIR' }, value: 1 }]);
    expect((await metrics.commitRetries.get()).values).toMatchObject([{ value: 1 }]);
    expect(warnings()).toMatchObject([
      { code: 'SLUICE_DATA_DIR', pauseMs: 100, msg: 'disk full; retrying the commit' },
    ]);
  });

  it('counts its time by stages, which are no longer than the run', async () => {
    const startMs = performance.now();
    const { made, stop } = await start();
    await until(() => made.idleMs > 0 && made.status().totals.merged === 4);
    await stop();
    const elapsed = performance.now() - startMs;
    const { values } = await metrics.stageSeconds.get();
    for (const stage of ['consume', 'idle', 'pack']) {
      const seconds = values.find(({ labels }) => labels.stage === stage)?.value;
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(elapsed / 1e3);
    }
    expect(made.idleMs).toBeLessThanOrEqual(elapsed);
    expect(made.firstCommitMs).toBeLessThanOrEqual(startMs + elapsed);
  });

  it('counts the time in which it waits for the sink', async () => {
    const startMs = performance.now();
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    const stage = sink.stage.bind(sink);
    sink.stage = async (batch) => {
      await held;
      await stage(batch);
    };
    source = new FakeSource([messages(Array.from({ length: 200 }, (_, offset) => offset))]);
    const { made, stop } = await start();
    await until(() => made.status().totals.events >= 75);
    const seconds = async () => (await metrics.backpressureSeconds.get()).values[0].value;
    await vi.waitFor(async () => expect(await seconds()).toBeGreaterThan(0), 5000);
    release();
    await until(() => made.status().totals.merged === 200);
    await stop();
    expect(await seconds()).toBeLessThanOrEqual((performance.now() - startMs) / 1e3);
  });
});

describe('a run that waits', () => {
  let timeouts: number[];
  /** How long it has waited for messages at most, of late. */
  async function waited(): Promise<Set<number>> {
    timeouts.length = 0;
    await until(() => timeouts.length > 3);
    return new Set(timeouts);
  }

  beforeEach(() => {
    timeouts = [];
    const fill: Source['fill'] = source.fill.bind(source);
    const noting: Source['fill'] = (chunk, timeoutMs) => {
      timeouts.push(timeoutMs);
      return fill(chunk, timeoutMs);
    };
    Object.assign(source, { fill: noting });
  });

  it('is idle when nothing is to be read, worked on or committed', async () => {
    const { made, stop } = await start();
    await until(() => made.status().totals.merged === 4);
    expect(await waited()).toEqual(new Set([100]));
    const idleMs = made.idleMs;
    expect(idleMs).toBeGreaterThan(0);
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    const commit = sink.commit.bind(sink);
    let isCommitting = false;
    sink.commit = async () => {
      isCommitting = true;
      await held;
      return await commit();
    };
    source.log[0].push(...messages([3]));
    source.ranges.set(0, { low: 0, high: 4 });
    await until(() => isCommitting);
    const before = made.idleMs;
    expect(await waited()).toEqual(new Set([50]));
    expect(made.idleMs).toBe(before);
    expect(made.status()).toMatchObject({ lag: 1, backlog: 1 });
    release();
    await until(() => made.status().totals.merged === 5);
    await until(() => made.idleMs > before);
    await stop();
  });

  it('is not idle while messages wait in open batches', async () => {
    const { made, stop } = await start({ flushIntervalMs: 3_600_000 });
    await until(() => made.status().totals.events === 4);
    const before = made.idleMs;
    expect(await waited()).toEqual(new Set([100]));
    expect([made.idleMs, made.status().totals.merged]).toEqual([before, 0]);
    await stop();
  });
});

describe('a position that is gone from Kafka without a word of the client', () => {
  /** Messages of partition 2 that came were deleted before they were read. */
  async function deleted() {
    const running = await start();
    await until(() => running.made.status().totals.merged === 4);
    source.positions.set(2, 1000);
    source.ranges.set(2, { low: 20, high: 22 });
    source.log[2].push(...messages([20, 21]));
    return running;
  }

  it('is looked for when there was nothing for ten seconds although the log has some', async () => {
    const { made, stop } = await deleted();
    const ranges = vi.spyOn(source, 'offsetRange');
    pass(9000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ranges).not.toHaveBeenCalled();
    pass(10_001);
    await until(() => made.status().totals.events === 6);
    await stop();
    expect(sink.gaps).toEqual([{ partition: 2, startOffset: 8, nextOffset: 20 }]);
  });

  it('is not looked for if the logs have nothing, and not taken for gone if Kafka has it', async () => {
    const { made, stop } = await start();
    await until(() => made.status().totals.merged === 4);
    const ranges = vi.spyOn(source, 'offsetRange');
    pass(20_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ranges).not.toHaveBeenCalled();
    // Kafka has more, which does not come.
    const assigned = source.assigned.length;
    source.ranges.set(2, { low: 7, high: 9 });
    source.positions.set(2, 1000);
    source.log[2].push(...messages([8]));
    pass(20_000);
    await until(() => ranges.mock.calls.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    // Looked at once in ten seconds.
    expect([ranges.mock.calls.length, source.assigned.length]).toEqual([3, assigned]);
    await stop();
  });
});

describe('the end of a run', () => {
  it('is where the logs ended at first, whatever comes after it', async () => {
    source.ranges.set(1, { low: 0, high: 3 });
    // The offset 8 is a marker.
    source.ranges.set(2, { low: 7, high: 9 });
    const assign = source.assign.bind(source);
    source.assign = (positions) => {
      assign(positions);
      // From now on there is more, and more with each fill.
      source.ranges.set(1, { low: 0, high: 9 });
      source.log[0].push(...messages([3]));
      const fill = source.fill.bind(source);
      source.fill = async (chunk) => {
        await setImmediate();
        source.log[2].push(...messages([source.log[2].at(-1)!.offset + 2]));
        return await fill(chunk);
      };
    };
    source.rowsPerFill = 1;
    const { made, done } = await start({ untilEnd: true });
    await until(() => sink.positions.get(2)?.nextOffset === 9);
    await done;
    expect(made.status().totals).toMatchObject({ events: 4, merged: 4 });
    expect([0, 1, 2].map((partition) => sink.positions.get(partition)?.nextOffset)).toEqual([3, 3, 9]);
  });

  it('waits for commits as long as they take with --until-end', async () => {
    const commit = sink.commit.bind(sink);
    sink.commit = async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return await commit();
    };
    const { made, done } = await start({ untilEnd: true, shutdownGraceMs: 1 });
    await done;
    expect(made.status().totals.merged).toBe(4);
    expect(warnings()).toEqual([]);
  });

  it('comes after the grace period when it is stopped, with what is in flight dropped', async () => {
    for (const untilEnd of [false, true]) {
      logged = [];
      source = new FakeSource([messages([0, 1, 2])]);
      sink = new FakeSink();
      sink.commit = () => new Promise(() => {});
      const { made, stop } = await start({ untilEnd, shutdownGraceMs: 10 });
      await until(() => made.status().totals.events === 3);
      await stop();
      expect([made.status().totals.merged, warnings().length]).toEqual([0, 1]);
    }
  });

  it('has no small files joined any more', async () => {
    const compact = vi.spyOn(sink, 'compact');
    const { made, stop } = await start({ flushIntervalMs: 60_000 });
    await until(() => made.status().totals.events === 4);
    const before = compact.mock.calls.length;
    await stop();
    expect([made.status().totals.merged, compact.mock.calls.length]).toEqual([4, before]);
  });

  it('has none joined either after a failure: the sink is being closed', async () => {
    const commit = sink.commit.bind(sink);
    let answer: (() => void) | undefined;
    sink.commit = () =>
      new Promise((resolve) => {
        answer = () => resolve(commit());
      });
    const compact = vi.spyOn(sink, 'compact');
    const { made, done } = await start();
    await until(() => answer !== undefined);
    source.fill = async () => {
      throw new SluiceError('SLUICE_KAFKA', 'gone');
    };
    await expect(done).rejects.toThrow('gone');
    answer!();
    await until(() => made.status().totals.merged > 0);
    expect(compact).not.toHaveBeenCalled();
  });
});
