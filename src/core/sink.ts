/**
 * The contract of a sink: *stage batches, commit them in one transaction with their positions*. What it says of
 * positions is the truth about what was consumed. sinks/duckdb/ has the one that there is.
 *
 *   open ─▶ claim ─▶ [initPositions, recordGaps] ─▶ stage … commit … ─▶ release ─▶ close
 */
import type {
  BatchResult,
  CommitReceipt,
  CompactionReceipt,
  OffsetGap,
  PartitionStart,
  SinkPosition,
  SinkState,
  TopicIdentity,
} from './flow.js';

export interface Sink {
  /** Only one process can write to it: a share of the topic is refused. */
  readonly needsWholeTopic: boolean;
  /** Makes it ready, and brings what an unfinished commit left into agreement. */
  open(): Promise<SinkState>;
  /** Remembers which topic it is filled from. Called before any position is made. */
  setIdentity(identity: TopicIdentity): Promise<void>;
  /**
   * Takes these partitions over, at each assignment and with nothing staged.
   * @returns where those stand that the sink knows
   */
  claim(partitions: readonly number[]): Promise<SinkPosition[]>;
  /** Gives partitions up. All that was staged of them is committed. */
  release(partitions: readonly number[]): Promise<void>;
  /** Makes the positions of partitions that have none yet. */
  initPositions(starts: readonly PartitionStart[]): Promise<void>;
  /**
   * Moves positions over lost offsets, each with a row of kind `gap` in the ledger.
   * @throws SluiceError SLUICE_FENCED if a position is not at the start of its gap
   */
  recordGaps(gaps: readonly OffsetGap[]): Promise<SinkPosition[]>;
  /** Takes a batch into staging, so that its buffers can go before the commit. In offset order per partition. */
  stage(batch: BatchResult): Promise<void>;
  /**
   * Commits everything that was staged before the call, in one transaction, or in several if memory is short.
   * @throws SluiceError; if it is `retryable`, nothing was committed and the next call takes the same batches again
   */
  commit(): Promise<CommitReceipt>;
  /** Joins small files if there are too many of them; commits continue beside it. */
  compact(): Promise<CompactionReceipt>;
  close(): Promise<void>;
}

/** What can be called across a thread boundary. */
export type SinkMethod = Exclude<keyof Sink, 'needsWholeTopic'>;
