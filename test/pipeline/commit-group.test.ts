/** What a commit takes, and when: groups of a sequencer that has committed before. */
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Partitions } from '../../src/pipeline/partition.js';
import type { Sequencer } from '../../src/pipeline/sequencer.js';
import { type NotingSink, RECEIPT, sequencing, turn } from '../support/sequencing.js';

let sink: NotingSink;
let backlog: number;
let partitions: Partitions;
let sequencer: Sequencer;
let add: ReturnType<typeof sequencing>['add'];

beforeEach(async () => {
  backlog = 0;
  const made = sequencing(() => backlog);
  ({ sink, partitions, sequencer, add } = made);
  await made.commitFirst();
});

describe('a group under a backlog', () => {
  beforeEach(() => {
    backlog = 1000;
  });

  it('waits for the bytes of a full group, and no longer', async () => {
    await add(0, 0, 1, 9999)();
    expect(sink.commits).toEqual([]);
    await add(0, 1, 1, 1)();
    expect(sink.commits).toEqual([['0:0', '0:1']]);
  });

  it('holds a group for two seconds', async () => {
    const clock = vi.spyOn(performance, 'now').mockReturnValue(10_000);
    onTestFinished(() => clock.mockRestore());
    await add(0, 0)();
    clock.mockReturnValue(11_999);
    sequencer.advance();
    expect(sink.commits).toEqual([]);
    clock.mockReturnValue(12_000);
    sequencer.advance();
    expect(sink.commits).toEqual([['0:0']]);
  });

  it('does not wait for less than a batch, or for more than is missing', async () => {
    await add(0, 0, 150)();
    backlog = 100;
    sequencer.advance();
    expect(sink.commits).toEqual([]);
    await add(0, 150, 100)();
    backlog = 50;
    sequencer.advance();
    expect(sink.commits).toEqual([]);
    backlog = 49;
    sequencer.advance();
    expect(sink.commits).toEqual([['0:0', '0:150']]);
  });

  it('counts what is in open batches, and in flight, to what comes', async () => {
    backlog = 0;
    const later = performance.now() + 60_000;
    const open = { startOffset: 0, leaderEpoch: undefined, chunks: [], rows: 60, valueBytes: 1, openedMs: 0 };
    partitions.get(1).openBatch = { ...open, dueMs: later };
    await add(0, 0)();
    expect(sink.commits).toEqual([['0:0']]);
    sink.release[0](RECEIPT);
    await turn();
    partitions.get(1).openBatch = { ...open, rows: 100, dueMs: later };
    await add(0, 100)();
    expect(sink.commits).toHaveLength(1);
  });
});

describe('a group', () => {
  it('takes what was dispatched before it was due for due, and what was due in the same millisecond', async () => {
    const clock = vi.spyOn(performance, 'now').mockReturnValue(10_000);
    onTestFinished(() => clock.mockRestore());
    const [first, full] = [add(0, 0, 5), add(1, 0, 5, 1, 10_250)];
    await first();
    expect(sink.commits).toEqual([]);
    await full();
    expect(sink.commits).toEqual([['0:0', '1:0']]);
  });

  it('is idle only when nothing is in flight, staged or being committed', async () => {
    expect(sequencer.idle).toBe(true);
    const finish = add(0, 0);
    expect(sequencer.idle).toBe(false);
    await finish();
    expect(sequencer.idle).toBe(false);
    sink.release[0](RECEIPT);
    await turn();
    expect(sequencer.idle).toBe(true);
    backlog = 1000;
    await add(0, 100)();
    expect([sequencer.idle, sink.commits.length]).toEqual([false, 1]);
  });

  it('stages one batch at a time', async () => {
    const stage = sink.stage.bind(sink);
    let staging = 0;
    const together: number[] = [];
    sink.stage = async (batch) => {
      together.push(++staging);
      await turn();
      staging--;
      await stage(batch);
    };
    backlog = 1000;
    const batches = [add(0, 0), add(1, 0), add(2, 0)];
    await Promise.all(batches.map((finish) => finish()));
    while (together.length < 3) await turn();
    expect(together).toEqual([1, 1, 1]);
  });

  it('keeps what a group has of the others when it drops some', async () => {
    backlog = 1000;
    await add(1, 0, 150)();
    await add(2, 0, 150)();
    expect(sink.commits).toEqual([['1:0', '2:0']]);
    sink.release[0](RECEIPT);
    await turn();
    await add(1, 150, 150)();
    await add(2, 150, 149)();
    await sequencer.between(async () => sequencer.drop([1]));
    await add(3, 0, 150)();
    expect([sink.commits.length, sequencer.idle]).toEqual([1, false]);
    await add(3, 150, 1)();
    expect(sink.commits).toHaveLength(2);
  });

  it('goes on when what was done between commits fails', async () => {
    const between = sequencer.between(async () => Promise.reject(new Error('the catalog is gone')));
    const failed = expect(between).rejects.toThrow('the catalog is gone');
    await add(0, 0)();
    await failed;
    await turn();
    expect(sink.commits).toEqual([['0:0']]);
  });

  it('passes on what failed, to all that wait', async () => {
    const error = new Error('worker died');
    const waiting = sequencer.progress(60_000);
    sequencer.add({ partition: partitions.get(0), rows: 1, valueBytes: 1, dueMs: 0 }, Promise.reject(error));
    await expect(waiting).rejects.toBe(error);
    await expect(sequencer.between(async () => {})).rejects.toBe(error);
  });
});

describe('a sequencer that is drained', () => {
  it('commits all at once, also what was due after the rest', async () => {
    backlog = 1000;
    await add(0, 0, 5)();
    const finish = add(1, 0, 5, 1, performance.now() + 1);
    backlog = 0;
    const drained = sequencer.drain(5000);
    await turn();
    expect(sink.commits).toEqual([]);
    await finish();
    expect(sink.commits).toEqual([['0:0', '1:0']]);
    sink.release[0](RECEIPT);
    expect(await drained).toBe(true);
  });

  it('commits in spite of a backlog, and holds groups back again if it could not', async () => {
    backlog = 1000;
    const [first, second] = [add(0, 0), add(0, 100)];
    expect(await sequencer.drain(5)).toBe(false);
    await first();
    expect(sink.staged).toEqual(['0:0']);
    const drained = sequencer.drain(5000);
    await second();
    expect(sink.commits).toEqual([['0:0', '0:100']]);
    sink.release[0](RECEIPT);
    expect(await drained).toBe(true);
    await add(0, 200)();
    expect(sink.commits).toHaveLength(1);
  });

  it('has nothing to wait for where nothing is in flight, whatever a group has of the others', async () => {
    backlog = 1000;
    await add(0, 0)();
    expect(await sequencer.drain(20, [3])).toBe(true);
    expect(sink.commits).toEqual([]);
  });
});
