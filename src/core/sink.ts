/**
 * The contract of a sink: *stage batches, commit them in one transaction with their positions*. What it says of
 * positions is the truth about what was consumed. sinks/duckdb/ and sinks/ducklake/ have the two that there are.
 *
 *   open ─▶ claim ─▶ [initPositions, recordGaps] ─▶ stage … commit … ─▶ release ─▶ close
 *
 * Beside a commit it is called with `stage` and `compact` only.
 */
import type {
  BatchResult,
  CommitReceipt,
  CompactionReceipt,
  KnownTopic,
  OffsetGap,
  PartitionStart,
  SinkPosition,
  SinkState,
} from './flow.js';

export interface Sink {
  /** Only one process can write to it: a share of the topic is refused. */
  readonly needsWholeTopic: boolean;
  /** Makes it ready, and brings what an unfinished commit left into agreement. */
  open(): Promise<SinkState>;
  /**
   * Remembers which topic it is filled from. Called before any position is made.
   * @returns what it remembers: what another process has told it first, it keeps
   */
  setIdentity(identity: KnownTopic): Promise<KnownTopic>;
  /**
   * Takes these partitions over, at each assignment; nothing is staged of them.
   * @returns where those stand that the sink knows
   */
  claim(partitions: readonly number[]): Promise<SinkPosition[]>;
  /** Gives partitions up. What is staged of them is dropped, as when another process has them already. */
  release(partitions: readonly number[]): Promise<void>;
  /** Makes the positions of partitions that have none yet. @returns them */
  initPositions(starts: readonly PartitionStart[]): Promise<SinkPosition[]>;
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
