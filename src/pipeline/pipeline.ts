/**
 * The one loop: polls the source into chunks, closes batches, dispatches them, and lets the sequencer commit.
 *
 * Every decision about partitions, backpressure and stopping is made here, between two fills; nothing else polls.
 */

import { type Chunk, ChunkPool } from '../core/chunk.js';
import { asSluiceError, type ErrorCode, SluiceError } from '../core/errors.js';
import type { BatchResult, BatchTask, CommitReceipt, Fill, SinkState } from '../core/flow.js';
import type { ReadPosition } from '../core/source.js';
import { Assignment, type AssignmentOptions, type AssignmentParts } from './assignment.js';
import { Batcher, type ClosedBatch } from './batcher.js';
import { Compactor } from './compactor.js';
import { Sequencer } from './sequencer.js';
import type { PipelineSettings } from './settings.js';
import { countCommit, newTotals, type RunTotals } from './totals.js';

export interface PipelineOptions extends PipelineSettings, AssignmentOptions {
  readonly workers: number;
  readonly shutdownGraceMs: number;
  /** Stop at the end offsets seen at the first assignment. */
  readonly untilEnd: boolean;
}

export interface PipelineParts extends AssignmentParts {
  readonly runBatch: (task: BatchTask) => Promise<BatchResult>;
}

const MAX_POLL_MS = 100;
const WAIT_MS = 50;
/** After this long without a message although the log has some, positions are checked against the broker. */
const STALLED_MS = 10_000;
/** What a fill fails with when positions are to be looked into. */
const UNREADABLE: ReadonlySet<ErrorCode> = new Set(['SLUICE_OFFSET_OUT_OF_RANGE', 'SLUICE_UNKNOWN_TOPIC']);
/** So often in a row may everything turn out to be in order after such a failure. */
const MAX_RESOLVED_IN_VAIN = 3;

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #parts: PipelineParts;
  readonly #chunks: ChunkPool;
  readonly #batcher: Batcher;
  readonly #sequencer: Sequencer;
  readonly #assignment: Assignment;
  readonly #compactor: Compactor;
  readonly #totals = newTotals();
  #firstCommitMs: number | undefined;
  #stopping = false;
  /** What the next chunk must hold at least, after a fill said `oversize`. */
  #need = { valueBytes: 0, keyBytes: 0 };
  #spare: Chunk | undefined;
  #lastRowsMs = performance.now();
  #resolvedInVain = 0;
  #issueBits: readonly number[] = [];

  constructor(options: PipelineOptions, parts: PipelineParts) {
    this.#options = options;
    this.#parts = parts;
    this.#chunks = new ChunkPool(options.bufferBytes, options.batchRows);
    this.#batcher = new Batcher(options, this.#chunks);
    this.#assignment = new Assignment(options, parts);
    this.#compactor = new Compactor(parts);
    this.#sequencer = new Sequencer(parts.sink, {
      commitRows: options.commitRows,
      commitBytes: options.bufferBytes / 2,
      minBacklogRows: options.batchRows,
      maxInFlightRows: (options.workers + 1) * options.batchRows,
      maxInFlightBytes: options.bufferBytes,
      backlogRows: () => this.#batcher.openRows + this.lag,
      onCommitted: (receipt) => this.#onCommitted(receipt),
    });
  }

  get totals(): Readonly<RunTotals> {
    return this.#totals;
  }

  /** Milliseconds from the start of the process to the first commit. */
  get firstCommitMs(): number | undefined {
    return this.#firstCommitMs;
  }

  get inFlightBatches(): number {
    return this.#sequencer.inFlightBatches;
  }

  /** Messages in the log after what was read, over all partitions. */
  get lag(): number {
    let messages = 0;
    for (const partition of this.#assignment.partitions) {
      messages += this.#parts.source.lag(partition, this.#batcher.nextOffset(partition) ?? 0);
    }
    return messages;
  }

  /** Whether the pipeline has its partitions and reads them. */
  get ready(): boolean {
    return this.#assignment.complete && !this.#stopping;
  }

  /** Asks the loop to end: what was read is committed, nothing more is read. */
  stop(): void {
    this.#stopping = true;
  }

  /** Brings the gauges up to date. */
  refreshMetrics(): void {
    const { metrics } = this.#parts;
    metrics.inFlightBatches.set(this.inFlightBatches);
    metrics.chunksInUse.set(this.#chunks.chunksInUse);
    this.#assignment.refreshMetrics();
  }

  /**
   * Runs until stopped, or with `untilEnd` until the end offsets are committed.
   * @param state what the sink said when it was opened
   */
  async run(state: SinkState): Promise<void> {
    this.#assignment.restore(state);
    this.#issueBits = state.issueBits;
    while (!this.#stopping && !this.#assignment.reachedEnd((partition) => this.#batcher.nextOffset(partition))) {
      this.#sequencer.throwIfFailed();
      await this.#followAssignment();
      // A start that is cut short before its first commit gets nowhere: the first batches are small, and not held back.
      const eager = this.#firstCommitMs === undefined && this.#sequencer.inFlightBatches < this.#options.workers;
      const lag = (partition: number, nextOffset: number) => this.#parts.source.lag(partition, nextOffset);
      this.#dispatch(this.#batcher.drainClosed(performance.now(), lag, eager));
      this.#sequencer.advance();
      await this.#poll();
    }
    await this.#drain();
  }

  async #poll(): Promise<void> {
    const { metrics } = this.#parts;
    const startMs = performance.now();
    const chunk = this.#sequencer.full ? undefined : this.#borrow();
    if (chunk === undefined) {
      if (this.#sequencer.inFlightBatches === 0) this.#dispatch(this.#batcher.drainAll());
      await this.#sequencer.progress(WAIT_MS);
      metrics.backpressureSeconds.inc((performance.now() - startMs) / 1e3);
      return;
    }
    const timeoutMs = Math.min(
      this.#batcher.msToNextFlush(startMs, MAX_POLL_MS),
      this.#sequencer.idle ? MAX_POLL_MS : WAIT_MS,
    );
    const fill = await this.#fill(chunk, timeoutMs);
    const filledMs = performance.now();
    metrics.stageSeconds.inc({ stage: 'consume' }, (filledMs - startMs) / 1e3);
    this.#pack(chunk, fill, filledMs);
    if (fill.kind !== 'idle') this.#lastRowsMs = filledMs;
    else if (filledMs - this.#lastRowsMs > STALLED_MS) await this.#checkStalled(filledMs);
    if (fill.kind === 'rows') this.#resolvedInVain = 0;
    metrics.stageSeconds.inc({ stage: 'pack' }, (performance.now() - filledMs) / 1e3);
  }

  /** A fill, or `idle` after positions that are gone from Kafka were resolved again. */
  async #fill(chunk: Chunk, timeoutMs: number): Promise<Fill> {
    try {
      return await this.#parts.source.fill(chunk, timeoutMs);
    } catch (thrown) {
      const { code } = asSluiceError(thrown, 'SLUICE_KAFKA', 'reading');
      if (!UNREADABLE.has(code) || ++this.#resolvedInVain > MAX_RESOLVED_IN_VAIN) throw thrown;
      this.#parts.log.warn({ code }, `${(thrown as Error).message}: committing what was read, then looking into it`);
      await this.#resolveAnew();
      return { kind: 'idle' };
    }
  }

  /** The client can lose the error that a position is gone, when messages came before it in the same call. */
  async #checkStalled(nowMs: number): Promise<void> {
    this.#lastRowsMs = nowMs;
    if (this.lag === 0) return;
    if (!(await this.#assignment.inRange((partition) => this.#batcher.nextOffset(partition))))
      await this.#resolveAnew();
  }

  /** Commits what was read, then decides as for a new assignment where reading continues, or why it cannot. */
  async #resolveAnew(): Promise<void> {
    this.#dispatch(this.#batcher.drainAll());
    await this.#drainOrFail();
    this.#startReading(await this.#assignment.assignAgain());
  }

  #startReading(positions: readonly ReadPosition[]): void {
    this.#totals.lostOffsets = this.#assignment.lostOffsets;
    this.#batcher.reset(positions);
    this.#parts.source.assign(positions);
  }

  #borrow(): Chunk | undefined {
    const chunk = this.#spare ?? this.#chunks.acquire(this.#need.valueBytes, this.#need.keyBytes);
    this.#spare = undefined;
    return chunk;
  }

  #pack(chunk: Chunk, fill: Fill, nowMs: number): void {
    if (fill.kind === 'rows') {
      this.#need = { valueBytes: 0, keyBytes: 0 };
      const end = this.#assignment.endOffset(fill.partition);
      let { nextOffset } = fill;
      if (end !== undefined && nextOffset > end) {
        chunk.truncate(end);
        nextOffset = end;
      }
      if (chunk.rows === 0) {
        this.#keepSpare(chunk);
        return;
      }
      this.#totals.events += chunk.rows;
      this.#totals.bytes += chunk.valueBytes;
      this.#parts.metrics.events.inc(chunk.rows);
      this.#parts.metrics.bytes.inc(chunk.valueBytes);
      this.#batcher.add({ ...fill, nextOffset }, chunk, nowMs);
      return;
    }
    if (fill.kind === 'eof') {
      const end = this.#assignment.endOffset(fill.partition) ?? fill.nextOffset;
      this.#batcher.eof(fill.partition, Math.min(fill.nextOffset, end), nowMs);
    }
    if (fill.kind === 'oversize') {
      this.#need = fill;
      this.#chunks.release(chunk);
      return;
    }
    this.#keepSpare(chunk);
  }

  /** An unused chunk serves the next fill. */
  #keepSpare(chunk: Chunk): void {
    chunk.clear();
    this.#spare = chunk;
  }

  #dispatch(batches: readonly ClosedBatch[]): void {
    if (batches.length === 0) return;
    // While workers are at it, the topic is proven to be the one that was read: nothing of another is committed.
    const confirmed = this.#assignment.confirmTopic();
    for (const batch of batches) {
      const { partition, startOffset, nextOffset, leaderEpoch, chunks, rows, valueBytes } = batch;
      const dispatchedMs = performance.now();
      const handles = chunks.map((chunk) => chunk.handle());
      const issueBits = this.#issueBits;
      const task = { partition, startOffset, nextOffset, leaderEpoch, issueBits, chunks: handles };
      const processed = this.#parts.runBatch(task).then((result) => {
        for (const chunk of chunks) this.#chunks.release(chunk);
        const { kernelSeconds, parquetSeconds } = result.stats;
        const waitSeconds = (performance.now() - dispatchedMs) / 1e3 - kernelSeconds - parquetSeconds;
        this.#parts.metrics.stageSeconds.inc({ stage: 'wait' }, Math.max(0, waitSeconds));
        return result;
      });
      const work = Promise.all([processed, confirmed]).then(([result]) => result);
      this.#sequencer.add(partition, rows, valueBytes, work);
    }
  }

  /** Answers what the group said about partitions since the last fill. */
  async #followAssignment(): Promise<void> {
    for (let change = this.#parts.source.pollAssignment(); change; change = this.#parts.source.pollAssignment()) {
      if (change.kind === 'revoked') {
        this.#parts.log.info({ lost: change.lost }, 'partitions revoked: committing what is in flight');
        this.#batcher.reset([]);
        await this.#drainOrFail();
        this.#assignment.revoke();
      } else {
        this.#startReading(await this.#assignment.assign(change.partitions));
      }
    }
    this.#assignment.checkComplete();
  }

  async #drainOrFail(): Promise<void> {
    const { shutdownGraceMs } = this.#options;
    if (await this.#sequencer.drain(shutdownGraceMs)) return;
    throw new SluiceError(
      'SLUICE_SINK',
      `the batches in flight were not committed within SHUTDOWN_GRACE_MS=${shutdownGraceMs}; they will be read again`,
    );
  }

  async #drain(): Promise<void> {
    this.#dispatch(this.#batcher.drainAll());
    if (this.#options.untilEnd && !this.#stopping) {
      while (!(await this.#sequencer.drain(this.#options.shutdownGraceMs)));
    } else if (!(await this.#sequencer.drain(this.#options.shutdownGraceMs))) {
      this.#parts.log.warn('the grace period is over: batches in flight are dropped and will be read again');
    }
  }

  #onCommitted(receipt: CommitReceipt): void {
    this.#firstCommitMs ??= performance.now();
    countCommit(this.#totals, receipt);
    this.#parts.metrics.committed(receipt);
    this.#assignment.committed(receipt.positions);
    if (this.lag < this.#options.batchRows && !this.#stopping) this.#compactor.start();
  }
}
