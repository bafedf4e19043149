/** Positions are resolved again while the group says something, too: what it says is answered first. */
import { beforeEach, expect, it } from 'vitest';
import { SluiceError } from '../../src/core/errors.js';
import type { BatchTask } from '../../src/core/flow.js';
import type { AssignmentChange } from '../../src/core/source.js';
import { Metrics } from '../../src/metrics/metrics.js';
import { Pipeline } from '../../src/pipeline/pipeline.js';
import { FakeSink, FakeSource, fakeBatch, messages, PIPELINE_OPTIONS, silent, until } from '../support/fakes.js';

const NONE: AssignmentChange = { kind: 'assigned', partitions: [] };

let source: FakeSource;
let sink: FakeSink;
/** Offsets of partition 0 of which a worker got the messages. */
let worked: number[];
/** Batches of partition 0 that wait for a schema, until they are dropped for the first time. */
let waiting: number;

beforeEach(() => {
  source = new FakeSource([messages([0, 1, 2, 3]), messages([0])]);
  sink = new FakeSink();
  sink.needsWholeTopic = false;
  worked = [];
  waiting = 0;
});

/** A pipeline that shares its topic, and has read all that there is. */
async function start(waits: boolean) {
  let isThere = !waits;
  const prepare = async (task: BatchTask, dropped: AbortSignal) => {
    if (task.partition > 0 || isThere) return task;
    waiting++;
    await new Promise<void>((resolve) => dropped.addEventListener('abort', () => resolve()));
    isThere = true;
    throw new Error('dropped');
  };
  const runBatch = async (task: BatchTask) => {
    const result = await fakeBatch(task);
    const { startOffset, stats } = result;
    if (task.partition === 0) worked.push(...Array.from({ length: stats.ok }, (_, row) => startOffset + row));
    return result;
  };
  const made = new Pipeline(
    { ...PIPELINE_OPTIONS, onLostOffsets: 'gap' },
    { source, sink, runBatch, prepare, metrics: new Metrics(), log: silent },
  );
  await source.start();
  const done = made.run(await sink.open());
  await until(() => sink.positions.get(1)?.nextOffset === 1);
  await until(() => (waits ? waiting === 1 : sink.positions.get(0)?.nextOffset === 4));
  const stop = async () => {
    made.stop();
    await done;
  };
  return { made, stop };
}

/** The next fill fails, and the group says this in the same call. */
function failWith(...changes: AssignmentChange[]): void {
  const fill = source.fill.bind(source);
  source.fill = async () => {
    source.fill = fill;
    source.changes.push(...changes);
    throw new SluiceError('SLUICE_OFFSET_OUT_OF_RANGE', 'gone');
  };
}

/** More messages of partition 0. */
function append(low: number, ...offsets: number[]): void {
  source.log[0].push(...messages(offsets));
  source.ranges.set(0, { low, high: offsets.at(-1)! + 1 });
}

it.each([
  ['nothing', []],
  ['no more partitions', [NONE]],
  ['that one of them is another process’s', [{ kind: 'revoked', partitions: [1], lost: true }]],
] as const)('reads again what waited for a schema when the group says %s', async (_, changes) => {
  const { made, stop } = await start(true);
  failWith(...(changes as readonly AssignmentChange[]));
  await until(() => sink.positions.get(0)?.nextOffset === 4);
  append(0, 4);
  await until(() => sink.positions.get(0)?.nextOffset === 5);
  expect(worked).toEqual([0, 1, 2, 3, 4]);
  const { partitions } = made.status();
  expect(partitions.map(({ partition }) => partition)).toEqual(
    changes.some(({ kind }) => kind === 'revoked') ? [0] : [0, 1],
  );
  await stop();
});

it('goes on after messages that Kafka has deleted', async () => {
  const { stop } = await start(false);
  source.positions.delete(0);
  append(20, 20, 21);
  failWith(NONE);
  await until(() => sink.positions.get(0)?.nextOffset === 22);
  expect(sink.gaps).toEqual([{ partition: 0, startOffset: 4, nextOffset: 20 }]);
  await stop();
});

it('answers what the group says while positions are resolved', async () => {
  const { stop } = await start(false);
  const { offsetRange } = source;
  source.offsetRange = (partition) => {
    source.offsetRange = offsetRange;
    source.changes.push({ kind: 'revoked', partitions: [1], lost: false });
    return source.offsetRange(partition);
  };
  failWith();
  await until(() => source.unassigned.length > 0);
  append(0, 4);
  await until(() => sink.positions.get(0)?.nextOffset === 5);
  expect([...source.positions.keys()]).toEqual([0]);
  await stop();
});
