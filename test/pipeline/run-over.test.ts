/** What a run that is over still hears of workers and of the sink, which are being closed. */
import { beforeEach, expect, it, vi } from 'vitest';
import { SluiceError } from '../../src/core/errors.js';
import type { BatchResult, BatchTask } from '../../src/core/flow.js';
import { Metrics } from '../../src/metrics/metrics.js';
import { Pipeline, type PipelineOptions } from '../../src/pipeline/pipeline.js';
import { FakeSink, FakeSource, fakeBatch, messages, PIPELINE_OPTIONS, silent, until } from '../support/fakes.js';
import { turn } from '../support/sequencing.js';

const GONE = new SluiceError('SLUICE_KAFKA', 'gone');

let source: FakeSource;
let sink: FakeSink;
/** Batches that workers have, each until it is finished. */
let working: { readonly task: BatchTask; finish(failure?: Error): void }[];

beforeEach(() => {
  // More than the workers take at once.
  source = new FakeSource(Array.from({ length: 20 }, () => messages([0, 1, 2])));
  sink = new FakeSink();
  working = [];
});

async function start(options: Partial<PipelineOptions> = {}) {
  const runBatch = (task: BatchTask) =>
    new Promise<BatchResult>((resolve, reject) => {
      const finish = (failure?: Error) => (failure === undefined ? resolve(fakeBatch(task)) : reject(failure));
      working.push({ task, finish });
    });
  const parts = { source, sink, runBatch, metrics: new Metrics(), log: silent };
  const made = new Pipeline({ ...PIPELINE_OPTIONS, ...options }, parts);
  await source.start();
  const done = made.run(await sink.open());
  return { made, done };
}

it.each([
  ['fails', 5000],
  ['is stopped, and the grace period ends', 1],
])('stages, commits and dispatches nothing after it %s', async (how, shutdownGraceMs) => {
  const { made, done } = await start({ shutdownGraceMs });
  await until(() => working.length > 1 && made.status().totals.events === 60);
  if (how === 'fails') {
    source.failures.push(GONE);
    await expect(done).rejects.toBe(GONE);
  } else {
    made.stop();
    expect(await done).toBe(false);
  }
  const [stage, commit] = [vi.spyOn(sink, 'stage'), vi.spyOn(sink, 'commit')];
  const given = working.length;
  for (const { finish } of working.slice(1)) finish();
  await new Promise((resolve) => setTimeout(resolve, 20));
  working[0].finish(new SluiceError('SLUICE_WORKER', 'the workers are ending'));
  await turn();
  expect([working.length, stage.mock.calls, commit.mock.calls]).toEqual([given, [], []]);
});

it('dispatches nothing while the topic of what was read is not proven yet', async () => {
  const { identity } = source;
  source.identity = () => (source.identityRequests === 0 ? identity.call(source) : new Promise(() => {}));
  const { made, done } = await start();
  await until(() => working.length > 1 && made.status().totals.events === 60);
  source.failures.push(GONE);
  await expect(done).rejects.toBe(GONE);
  const given = working.length;
  for (const { finish } of working) finish();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(working).toHaveLength(given);
});

it('goes on with neither the next batch nor the next commit when the sink answers', async () => {
  let answer: (() => void) | undefined;
  const commit = sink.commit.bind(sink);
  sink.commit = () => new Promise((resolve) => (answer = () => resolve(commit())));
  const { made, done } = await start();
  await until(() => working.length > 1 && made.status().totals.events === 60);
  working[0].finish();
  await until(() => answer !== undefined);
  let staged!: () => void;
  const stage = vi.spyOn(sink, 'stage').mockReturnValue(new Promise((resolve) => (staged = resolve)));
  working[1].finish();
  await until(() => stage.mock.calls.length === 1);
  source.failures.push(GONE);
  await expect(done).rejects.toBe(GONE);
  const given = working.length;
  const again = vi.spyOn(sink, 'commit');
  answer!();
  await until(() => made.status().totals.merged === 3);
  staged();
  await turn();
  expect([working.length, stage.mock.calls.length, again.mock.calls]).toEqual([given, 1, []]);
});

it('tries no commit again', async () => {
  sink.commit = vi.fn().mockRejectedValue(new SluiceError('SLUICE_LAKE', 'no answer', { retryable: true }));
  const { done } = await start();
  await until(() => working.length > 0);
  for (const { finish } of working) finish();
  await until(() => vi.mocked(sink.commit).mock.calls.length === 1);
  source.failures.push(GONE);
  await expect(done).rejects.toBe(GONE);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(sink.commit).toHaveBeenCalledOnce();
});
