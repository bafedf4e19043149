/** A sequencer with a sink that does as a test says. */
import { NO_STATS } from '../../src/core/batch-stats.js';
import type { BatchResult, CommitReceipt } from '../../src/core/flow.js';
import { Partitions } from '../../src/pipeline/partition.js';
import { type CommitSink, Sequencer, type SequencerOptions } from '../../src/pipeline/sequencer.js';

/** A sink that notes what it is asked, and whose commits end when the test says so. */
export class NotingSink implements CommitSink {
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

export const RECEIPT: CommitReceipt = { positions: [], stats: NO_STATS, commitSeconds: 0 };
/** The partition whose log holds the backlog. */
const BACKLOGGED = 8;
const standing = (partition: number) => ({ partition, nextOffset: 0, leaderEpoch: undefined, watermark: undefined });

/** Lets everything happen that waits for nothing. */
export const turn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * Ten partitions, and a sequencer whose groups are full at 300 rows or 10,000 bytes.
 * @param backlog how many messages wait in a log
 */
export function sequencing(backlog: () => number, told: Partial<SequencerOptions> = {}) {
  const sink = new NotingSink();
  const partitions = new Partitions({ lag: (partition) => (partition === BACKLOGGED ? backlog() : 0) });
  partitions.note(Array.from({ length: 10 }, (_, partition) => standing(partition)));
  partitions.get(BACKLOGGED).nextOffset = 0;
  const sequencer = new Sequencer(sink, partitions, {
    commitRows: 300,
    commitBytes: 10_000,
    minBacklogRows: 100,
    maxInFlightRows: 400,
    maxInFlightBytes: 8000,
    onStaged: () => {},
    onRetry: () => {},
    onCommitted: () => {},
    ...told,
  });

  /** Adds a batch and returns what finishes its work. */
  function add(partition: number, startOffset: number, rows = 100, bytes = 1000, dueMs = performance.now()) {
    let finish!: (result: BatchResult) => void;
    const work = new Promise<BatchResult>((resolve) => {
      finish = resolve;
    });
    sequencer.add({ partition: partitions.get(partition), rows, valueBytes: bytes, dueMs }, work);
    return () => {
      finish({ partition, startOffset } as BatchResult);
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

  return { sink, partitions, sequencer, add, commitFirst };
}
