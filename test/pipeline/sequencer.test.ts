import { beforeEach, describe, expect, it } from 'vitest';
import { NO_STATS } from '../../src/core/batch-stats.js';
import type { BatchResult, CommitReceipt } from '../../src/core/flow.js';
import { type CommitSink, Sequencer } from '../../src/pipeline/sequencer.js';

/** A sink that notes what it is asked, and whose commits end when the test says so. */
class NotingSink implements CommitSink {
  staged: string[] = [];
  commits: string[][] = [];
  release: ((receipt: CommitReceipt) => void)[] = [];
  failStage: Error | undefined;

  async stage(batch: BatchResult) {
    if (this.failStage !== undefined) throw this.failStage;
    this.staged.push(`${batch.partition}:${batch.startOffset}`);
  }
  commit(): Promise<CommitReceipt> {
    this.commits.push(this.staged);
    this.staged = [];
    return new Promise((resolve) => this.release.push(resolve));
  }
}

const RECEIPT: CommitReceipt = { positions: [], stats: NO_STATS, commitSeconds: 0 };
const result = (partition: number, startOffset: number) => ({ partition, startOffset }) as BatchResult;
const turn = () => new Promise((resolve) => setImmediate(resolve));

let sink: NotingSink;
let backlog: number;
let committed: number;
let sequencer: Sequencer;

beforeEach(() => {
  sink = new NotingSink();
  backlog = 0;
  committed = 0;
  sequencer = new Sequencer(sink, {
    commitRows: 300,
    commitBytes: 10_000,
    minBacklogRows: 100,
    maxInFlightRows: 400,
    maxInFlightBytes: 8000,
    backlogRows: () => backlog,
    onCommitted: () => {
      committed++;
    },
  });
});

/** Adds a batch and returns what finishes its work. */
function add(partition: number, startOffset: number, rows = 100, bytes = 1000): () => Promise<unknown> {
  let finish!: (result: BatchResult) => void;
  sequencer.add(
    partition,
    rows,
    bytes,
    new Promise((resolve) => {
      finish = resolve;
    }),
  );
  return () => {
    finish(result(partition, startOffset));
    return turn();
  };
}

/** Commits something, so that the groups after it are no longer the first. */
async function commitFirst(): Promise<void> {
  await add(9, 0, 1)();
  sink.release[0](RECEIPT);
  await turn();
  sink.commits = [];
  sink.release = [];
}

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

  it('stops at the failure of a worker or of the sink, and commits nothing any more', async () => {
    sequencer.add(0, 1, 1, Promise.reject(new Error('worker died')));
    await turn();
    expect(() => sequencer.throwIfFailed()).toThrow('worker died');
    await add(1, 0)();
    expect(sink.commits).toEqual([]);
    await expect(sequencer.drain(1000)).rejects.toThrow('worker died');
  });

  it('reports a sink that refuses a batch', async () => {
    sink.failStage = new Error('disk full');
    await add(0, 0)();
    expect(() => sequencer.throwIfFailed()).toThrow('disk full');
  });
});
