/**
 * The one loop: polls the source into chunks, has batches dispatched, and lets the sequencer commit.
 *
 * Every decision about partitions, backpressure and stopping is made here, between two fills; nothing else polls.
 */
import { type Chunk, ChunkPool } from '../core/chunk.js';
import type { SluiceError } from '../core/errors.js';
import type { CommitReceipt, Fill, SinkState } from '../core/flow.js';
import type { Sink } from '../core/sink.js';
import type { ReadPosition } from '../core/source.js';
import { Assignment, type AssignmentOptions, type AssignmentParts } from './assignment.js';
import { BACKLOG_INTERVALS, Batcher } from './batcher.js';
import { Compactor } from './compactor.js';
import { Dispatcher, type DispatcherParts } from './dispatcher.js';
import { Partitions } from './partition.js';
import { PositionWatch } from './position-watch.js';
import { betweenCommits, Rebalance } from './rebalance.js';
import { Sequencer } from './sequencer.js';
import type { PipelineSettings } from './settings.js';
import { MAX_STALLED_MS, observeLatency, type PipelineStatus, partitionStatus } from './status.js';
import { Stop } from './stop.js';
import { type CommitListener, countCommit, newTotals, tellCommit } from './totals.js';

export interface PipelineOptions extends PipelineSettings, AssignmentOptions {
  readonly workers: number;
  readonly shutdownGraceMs: number;
  /** A transaction closes at this many message bytes, however few its rows are: the sink's memory bounds it. */
  readonly commitBytes: number;
  /** Stop at the end offsets seen at the first assignment. */
  readonly untilEnd: boolean;
}

export type PipelineParts = AssignmentParts &
  Pick<DispatcherParts, 'runBatch' | 'prepare'> & { readonly sink: Sink; readonly onCommitted?: CommitListener };

const [MAX_POLL_MS, WAIT_MS] = [100, 50];

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #parts: PipelineParts;
  readonly #partitions: Partitions;
  readonly #chunks: ChunkPool;
  readonly #batcher: Batcher;
  readonly #sequencer: Sequencer;
  readonly #dispatcher: Dispatcher;
  readonly #assignment: Assignment;
  readonly #rebalance: Rebalance;
  readonly #watch: PositionWatch;
  readonly #compactor: Compactor;
  readonly #totals = newTotals();
  #firstCommitMs: number | undefined;
  #idleMs = 0;
  readonly #stop: Stop;
  /** What the next chunk must hold at least, after a fill said `oversize`. */
  #need = { valueBytes: 0, keyBytes: 0 };
  #spare: Chunk | undefined;
  /** When something was committed, or nothing was left to commit. */
  #advancedMs = performance.now();

  constructor(options: PipelineOptions, parts: PipelineParts) {
    this.#options = options;
    this.#parts = parts;
    this.#stop = new Stop(options.shutdownGraceMs);
    this.#chunks = new ChunkPool(options.bufferBytes, options.batchRows);
    this.#partitions = new Partitions(parts.source);
    this.#batcher = new Batcher(options, this.#chunks, this.#partitions);
    this.#compactor = new Compactor(parts);
    this.#sequencer = new Sequencer(parts.sink, this.#partitions, {
      commitRows: options.commitRows,
      commitBytes: options.commitBytes,
      minBacklogRows: options.batchRows,
      maxInFlightRows: (options.workers + 1) * options.batchRows,
      maxInFlightBytes: options.bufferBytes,
      onRetry: (error, pauseMs) => this.#onRetry(error, pauseMs),
      onStaged: () => this.#dispatchDue(),
      onCommitted: (receipt) => this.#onCommitted(receipt),
    });
    const sink = betweenCommits(parts.sink, this.#sequencer);
    this.#assignment = new Assignment(options, { ...parts, sink }, this.#partitions);
    this.#rebalance = new Rebalance(options.shutdownGraceMs, {
      ...{ source: parts.source, sink: parts.sink, log: parts.log, partitions: this.#partitions },
      ...{ assignment: this.#assignment, batcher: this.#batcher, sequencer: this.#sequencer },
    });
    this.#watch = new PositionWatch({
      ...{ source: parts.source, log: parts.log, partitions: this.#partitions, assignment: this.#assignment },
      resolveAnew: () => this.#resolveAnew(),
    });
    this.#dispatcher = new Dispatcher(options.workers, {
      ...{ batcher: this.#batcher, chunks: this.#chunks, sequencer: this.#sequencer },
      ...{ metrics: parts.metrics, runBatch: parts.runBatch, prepare: parts.prepare },
      confirmTopic: () => this.#assignment.confirmTopic(),
    });
  }

  /** Milliseconds from the start of the process to the first commit. */
  get firstCommitMs(): number | undefined {
    return this.#firstCommitMs;
  }

  /** Milliseconds in which there was nothing to read, to work on or to commit. */
  get idleMs(): number {
    return this.#idleMs;
  }

  /** Asks the loop to end: what was read is committed, nothing more is read. */
  stop(): void {
    this.#stop.abort();
  }

  /** What it shows of itself. @param nowMs `performance.now()` */
  status(nowMs: number = performance.now()): PipelineStatus {
    const { lateAfterMs, flushIntervalMs } = this.#options;
    const { endsAsOfMs } = this.#parts.source;
    const partitions = [...this.#partitions.all].map((partition) => partitionStatus(partition, lateAfterMs, nowMs));
    return {
      ready: this.#assignment.isReading && !this.#stop.signal.aborted,
      partitions,
      totals: { ...this.#totals, lostOffsets: this.#assignment.lostOffsets },
      lag: partitions.reduce((sum, { lag }) => sum + lag, 0),
      lagAgeSeconds: endsAsOfMs === undefined ? undefined : (nowMs - endsAsOfMs) / 1e3,
      backlog: this.#partitions.backlog,
      inFlightBatches: this.#sequencer.inFlightBatches,
      openBatches: this.#partitions.openBatches,
      openMessages: this.#partitions.openRows,
      chunksInUse: this.#chunks.chunksInUse,
      stalledMs: nowMs - this.#advancedMs,
      maxStalledMs: MAX_STALLED_MS + BACKLOG_INTERVALS * flushIntervalMs,
    };
  }

  /**
   * Runs until stopped, or with `untilEnd` until the end offsets are committed.
   * @param state what the sink said when it was opened
   * @returns whether all that was read is committed
   */
  async run(state: SinkState): Promise<boolean> {
    this.#assignment.restore(state);
    this.#dispatcher.issueBits = state.issueBits;
    try {
      while (!this.#stop.signal.aborted && !this.#hasReachedEnd) {
        this.#sequencer.throwIfFailed();
        await this.#rebalance.follow(this.#stop.signal);
        this.#dispatchDue();
        this.#sequencer.advance();
        await this.#poll();
      }
      return await this.#drain();
    } finally {
      // What is answered after this begins nothing, no commit and no join: workers and sink are being closed.
      this.#sequencer.close();
      this.#stop.abort();
    }
  }

  get #hasReachedEnd(): boolean {
    return this.#assignment.hasReachedEnd && !this.#rebalance.isUnderWay;
  }

  /** A start that is cut short before its first commit gets nowhere: the first batches are small, and not held back. */
  #dispatchDue(): void {
    this.#dispatcher.dispatchDue(this.#firstCommitMs === undefined);
  }

  async #poll(): Promise<void> {
    const { metrics } = this.#parts;
    const startMs = performance.now();
    const chunk = this.#sequencer.full ? undefined : this.#acquire();
    if (chunk === undefined) {
      if (!this.#sequencer.full) this.#dispatcher.dispatchLargest();
      await this.#sequencer.progress(WAIT_MS);
      metrics.backpressureSeconds.inc((performance.now() - startMs) / 1e3);
      return;
    }
    const timeoutMs = Math.min(
      this.#dispatcher.msToNextDue(startMs, MAX_POLL_MS),
      this.#sequencer.idle ? MAX_POLL_MS : WAIT_MS,
    );
    const fill = await this.#watch.fill(chunk, timeoutMs);
    const filledMs = performance.now();
    const stage = fill.kind === 'rows' ? 'consume' : 'idle';
    metrics.stageSeconds.inc({ stage }, (filledMs - startMs) / 1e3);
    if (fill.kind === 'idle' && this.#sequencer.idle && this.#partitions.openRows === 0) {
      this.#idleMs += filledMs - startMs;
      this.#compactor.look();
    }
    this.#takeFill(chunk, fill, filledMs);
    if (fill.kind !== 'rows' && this.#partitions.backlog === 0) this.#advancedMs = filledMs;
    metrics.stageSeconds.inc({ stage: 'pack' }, (performance.now() - filledMs) / 1e3);
  }

  /** Commits what was read, then resolves positions as for a new assignment. */
  async #resolveAnew(): Promise<void> {
    this.#dispatcher.dispatchAll();
    await this.#rebalance.startOver();
  }

  #acquire(): Chunk | undefined {
    const chunk = this.#spare ?? this.#chunks.acquire(this.#need.valueBytes, this.#need.keyBytes);
    this.#spare = undefined;
    return chunk;
  }

  #takeFill(chunk: Chunk, fill: Fill, nowMs: number): void {
    // Of a partition that is being given up, messages may still come.
    if ((fill.kind === 'rows' || fill.kind === 'eof') && !this.#partitions.isRead(fill.partition)) {
      this.#keepSpare(chunk);
      return;
    }
    switch (fill.kind) {
      case 'rows':
        this.#need = { valueBytes: 0, keyBytes: 0 };
        this.#addRows(chunk, fill, nowMs);
        return;
      case 'eof': {
        const { endOffset = fill.nextOffset } = this.#partitions.get(fill.partition);
        this.#batcher.eof(fill.partition, Math.min(fill.nextOffset, endOffset), nowMs);
        this.#keepSpare(chunk);
        return;
      }
      case 'oversize':
        this.#need = fill;
        this.#chunks.release(chunk);
        return;
      case 'idle':
        this.#keepSpare(chunk);
    }
  }

  #addRows(chunk: Chunk, { partition, nextOffset, leaderEpoch }: ReadPosition, nowMs: number): void {
    const { endOffset = nextOffset } = this.#partitions.get(partition);
    if (nextOffset > endOffset) chunk.truncate(endOffset);
    if (chunk.rows === 0) {
      // There is no message from the position to the end.
      this.#batcher.eof(partition, endOffset, nowMs);
      this.#keepSpare(chunk);
      return;
    }
    this.#totals.events += chunk.rows;
    this.#totals.bytes += chunk.valueBytes;
    this.#parts.metrics.events.inc(chunk.rows);
    this.#parts.metrics.bytes.inc(chunk.valueBytes);
    this.#batcher.add({ partition, nextOffset: Math.min(nextOffset, endOffset), leaderEpoch }, chunk, nowMs);
  }

  /** Unused, it serves the next fill. */
  #keepSpare(chunk: Chunk): void {
    chunk.clear();
    this.#spare = chunk;
  }

  async #drain(): Promise<boolean> {
    if (await this.#rebalance.settleInTime(this.#stop.leftMs)) {
      this.#dispatcher.dispatchAll();
      for (let isStopping = false; !isStopping; ) {
        // With `untilEnd` it waits as long as it takes; a stop meanwhile has its grace period.
        isStopping = this.#stop.signal.aborted;
        if (await this.#sequencer.drain(this.#stop.leftMs)) return true;
      }
    }
    this.#parts.log.warn('the grace period is over: batches in flight are dropped and will be read again');
    return false;
  }

  #onRetry({ code, message }: SluiceError, pauseMs: number): void {
    this.#parts.metrics.errors.inc({ code });
    this.#parts.metrics.commitRetries.inc();
    this.#parts.log.warn({ code, pauseMs }, `${message}; retrying the commit`);
  }

  #onCommitted(receipt: CommitReceipt): void {
    this.#advancedMs = performance.now();
    this.#firstCommitMs ??= this.#advancedMs;
    countCommit(this.#totals, receipt);
    tellCommit(this.#parts, receipt);
    observeLatency(this.#parts.metrics, this.#partitions, receipt.positions);
    this.#parts.onCommitted?.(receipt, this.#partitions.all);
    this.#assignment.committed(receipt.positions);
    if (this.#partitions.lag < this.#options.batchRows && !this.#stop.signal.aborted) this.#compactor.start();
  }
}
