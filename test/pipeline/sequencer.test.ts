import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SluiceError } from '../../src/core/errors.js';
import { RETRY_PAUSES_MS } from '../../src/core/retry.js';
import type { Partitions } from '../../src/pipeline/partition.js';
import type { Sequencer } from '../../src/pipeline/sequencer.js';
import { type NotingSink, RECEIPT, sequencing, turn } from '../support/sequencing.js';

let sink: NotingSink;
let backlog: number;
let committed: number;
let retries: [string, number][];
let partitions: Partitions;
let sequencer: Sequencer;
let add: ReturnType<typeof sequencing>['add'];
let commitFirst: () => Promise<void>;

beforeEach(() => {
  backlog = 0;
  committed = 0;
  retries = [];
  ({ sink, partitions, sequencer, add, commitFirst } = sequencing(() => backlog, {
    onRetry: (error, pauseMs) => retries.push([error.code, pauseMs]),
    onCommitted: () => {
      committed++;
    },
  }));
});

describe('Sequencer', () => {
  it('does not hold the first group back', async () => {
    backlog = 1000;
    await add(0, 0, 5)();
    expect(sink.commits).toEqual([['0:0']]);
  });

  it('stages each partition in offset order, whatever order the workers finish in', async () => {
    await commitFirst();
    const first = add(0, 0);
    const second = add(0, 100);
    const other = add(1, 7);
    backlog = 1000;
    await second();
    expect(sink.staged).toEqual([]);
    await other();
    expect(sink.staged).toEqual(['1:7']);
    await first();
    expect(sink.commits).toEqual([['1:7', '0:0', '0:100']]);
  });

  it('commits at once without a backlog', async () => {
    await add(0, 0, 5)();
    expect(sink.commits).toEqual([['0:0']]);
    sink.release[0](RECEIPT);
    await turn();
    expect(sequencer.idle).toBe(true);
    expect(committed).toBe(1);
  });

  it('commits together what was on its way together, and does not wait for what came later', async () => {
    await commitFirst();
    const first = add(0, 0, 5);
    const other = add(1, 0, 5);
    await first();
    expect(sink.staged).toContain('0:0');
    expect(sink.commits).toEqual([]);
    add(2, 0, 5);
    await other();
    expect(sink.commits).toEqual([['0:0', '1:0']]);
  });

  it('commits together what was due together, also what had to wait for a worker', async () => {
    await commitFirst();
    const waiting = partitions.get(1);
    const batch = { startOffset: 0, leaderEpoch: undefined, chunks: [], rows: 5, valueBytes: 1, openedMs: 0, dueMs: 0 };
    waiting.openBatch = batch;
    await add(0, 0, 5)();
    expect(sink.commits).toEqual([]);
    waiting.openBatch = undefined;
    await add(1, 0, 5, 1, batch.dueMs)();
    expect(sink.commits).toEqual([['0:0', '1:0']]);
  });

  it('waits for a full group under a backlog, by rows or by bytes', async () => {
    await commitFirst();
    backlog = 1000;
    await add(0, 0)();
    await add(0, 100)();
    expect(sink.commits).toEqual([]);
    await add(0, 200)();
    expect(sink.commits).toEqual([['0:0', '0:100', '0:200']]);
    sink.release[0](RECEIPT);
    await turn();
    await add(1, 0, 1, 12_000)();
    expect(sink.commits).toHaveLength(2);
  });

  it('stages the next group while one is committed, and no more than that', async () => {
    backlog = 1000;
    await add(0, 0, 300)();
    await add(0, 300, 300)();
    await add(0, 600, 300)();
    expect(sink.commits).toEqual([['0:0']]);
    expect(sink.staged).toEqual(['0:300']);
    expect(sequencer.inFlightBatches).toBe(1);
    sink.release[0](RECEIPT);
    await turn();
    expect(sink.commits).toEqual([['0:0'], ['0:300']]);
    expect(sink.staged).toEqual(['0:600']);
  });

  it('is full by rows or bytes in flight until batches are staged', async () => {
    const finish = add(0, 0, 400, 1);
    expect(sequencer.full).toBe(true);
    await finish();
    expect(sequencer.full).toBe(false);
    add(0, 400, 1, 8000);
    expect(sequencer.full).toBe(true);
  });

  it('drains: what is in flight is committed in one group, or false is returned in time', async () => {
    const finish = add(0, 0);
    expect(await sequencer.drain(20)).toBe(false);
    const drained = sequencer.drain(5000);
    await finish();
    sink.release[0](RECEIPT);
    expect(await drained).toBe(true);
    expect(committed).toBe(1);
  });

  it('drains some partitions, whatever is in flight of the others', async () => {
    await commitFirst();
    const finishOther = add(1, 0);
    const [finish, finishNext] = [add(2, 0, 1), add(2, 1, 1)];
    backlog = 1000;
    const drained = sequencer.drain(10_000, [2, 3]);
    await finish();
    expect(sink.commits).toEqual([]);
    await finishNext();
    expect(sink.commits).toEqual([['2:0', '2:1']]);
    sink.release[0](RECEIPT);
    expect(await drained).toBe(true);
    expect(sequencer.inFlightBatches).toBe(1);
    await finishOther();
    expect(sink.staged).toEqual(['1:0']);
  });

  it('does what must not run beside a commit after the one that is under way, and before the next', async () => {
    await add(1, 0)();
    const steps: string[] = [];
    let end!: () => void;
    const between = sequencer.between(async () => {
      steps.push('begun');
      await new Promise<void>((resolve) => {
        end = resolve;
      });
    });
    await add(2, 0)();
    expect([steps, sink.commits]).toEqual([[], [['1:0']]]);
    sink.release[0](RECEIPT);
    await turn();
    expect([steps, sink.commits.length]).toEqual([['begun'], 1]);
    end();
    await between;
    await turn();
    expect(sink.commits).toEqual([['1:0'], ['2:0']]);
  });

  it('counts what it drops no more, and commits no group of which nothing is left', async () => {
    await add(9, 0, 1)();
    await add(1, 0)();
    add(1, 100);
    const dropped = sequencer.between(async () => sequencer.drop([1]));
    sink.release[0](RECEIPT);
    await dropped;
    await turn();
    expect([sink.commits.length, sequencer.inFlightBatches, sequencer.idle]).toEqual([1, 0, true]);
  });

  it('stops at the failure of a worker or of the sink, and commits nothing any more', async () => {
    sequencer.add(
      { partition: partitions.get(0), rows: 1, valueBytes: 1, dueMs: 0 },
      Promise.reject(new Error('worker died')),
    );
    await turn();
    expect(() => sequencer.throwIfFailed()).toThrow('worker died');
    await add(1, 0)();
    expect(sink.commits).toEqual([]);
    await expect(sequencer.drain(1000)).rejects.toThrow('worker died');
  });

  it('begins nothing more when it is closed, and keeps those from it that wait', async () => {
    await add(1, 0)();
    const next = add(2, 0);
    const work = vi.fn();
    const between = sequencer.between(work);
    sequencer.close();
    await expect(between).rejects.toThrow('the run is over');
    sink.release[0](RECEIPT);
    await next();
    expect([sink.commits, sink.staged, committed, sequencer.isOver]).toEqual([[['1:0']], [], 1, true]);
    expect(work).not.toHaveBeenCalled();
  });

  it('stages the batch that it is at, and neither the next nor their group, when it is closed', async () => {
    let staged!: () => void;
    const stage = vi.spyOn(sink, 'stage').mockReturnValue(new Promise((resolve) => (staged = resolve)));
    const [first, second] = [add(1, 0), add(2, 0)];
    await first();
    await second();
    sequencer.close();
    staged();
    await turn();
    expect([stage.mock.calls.length, sink.commits]).toEqual([1, []]);
  });

  describe('a commit that fails', () => {
    const failing = (error: Error, times: number) => {
      const real = sink.commit.bind(sink);
      let left = times;
      sink.commit = () => (left-- > 0 ? Promise.reject(error) : real());
    };
    const passing = new SluiceError('SLUICE_DATA_DIR', 'disk full', { retryable: true });

    beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
    afterEach(() => void vi.useRealTimers());

    it('is tried again if that can pass, with the same group and growing pauses', async () => {
      failing(passing, 2);
      await add(0, 0)();
      await vi.advanceTimersByTimeAsync(RETRY_PAUSES_MS[0] + RETRY_PAUSES_MS[1]);
      expect(retries).toEqual(RETRY_PAUSES_MS.slice(0, 2).map((pauseMs) => ['SLUICE_DATA_DIR', pauseMs]));
      expect(sink.commits).toEqual([['0:0']]);
      expect(sequencer.idle).toBe(false);
      sink.release[0](RECEIPT);
      await turn();
      expect(committed).toBe(1);
      sequencer.throwIfFailed();
    });

    it('ends the run after the last try', async () => {
      failing(passing, RETRY_PAUSES_MS.length + 1);
      await add(0, 0)();
      await vi.advanceTimersByTimeAsync(RETRY_PAUSES_MS.reduce((sum, pauseMs) => sum + pauseMs, 0));
      expect(() => sequencer.throwIfFailed()).toThrow('disk full');
      expect(retries).toHaveLength(RETRY_PAUSES_MS.length);
    });

    it('ends the run at once if it cannot pass', async () => {
      failing(new SluiceError('SLUICE_FENCED', 'moved by another'), 1);
      await add(0, 0)();
      expect(() => sequencer.throwIfFailed()).toThrow('moved by another');
      expect(retries).toEqual([]);
    });
  });

  it('reports a sink that refuses a batch', async () => {
    sink.failStage = new Error('disk full');
    await add(0, 0)();
    expect(() => sequencer.throwIfFailed()).toThrow('disk full');
  });
});
