/**
 * The commit sequencer: workers finish in any order, the sink takes each partition's batches in offset order, and as
 * many ready ones as there are in one commit group.
 *
 *   add ──▶ in flight (a worker has it) ──▶ ready ──stage──▶ group ──commit──▶ committed
 *
 * One group is committed while the next one is staged. Under a backlog a group is held open until it has COMMIT_ROWS.
 */
import { SluiceError } from '../core/errors.js';
import type { BatchResult, CommitReceipt } from '../core/flow.js';
import type { Sink } from '../core/sink.js';
import type { ClosedBatch } from './batcher.js';
import type { InFlightBatch, Partitions } from './partition.js';

/** The part of the sink that it needs. */
export type CommitSink = Pick<Sink, 'stage' | 'commit'>;

/** What it must know of a batch whose work is under way. */
export type DispatchedBatch = Pick<ClosedBatch, 'partition' | 'rows' | 'valueBytes' | 'dueMs'>;

export interface SequencerOptions {
  readonly commitRows: number;
  /** A group closes at this many message bytes, however few its rows are. */
  readonly commitBytes: number;
  /** A backlog of fewer rows is not worth waiting for. */
  readonly minBacklogRows: number;
  /** Bounds on what is between dispatch and staging. */
  readonly maxInFlightRows: number;
  readonly maxInFlightBytes: number;
  /** Told of each commit that failed and is tried again after a pause. */
  readonly onRetry: (error: SluiceError, pauseMs: number) => void;
  /** Told of each batch that is in flight no longer. */
  readonly onStaged: () => void;
  readonly onCommitted: (receipt: CommitReceipt) => void;
}

/** Under any backlog, commits are at most this far apart. */
const MAX_HOLD_MS = 2000;
/** Pauses before a commit is tried again; after the last try the run ends. */
export const RETRY_PAUSES_MS = [100, 300, 1000, 3000];

/** The batches that the next transaction takes. */
interface CommitGroup {
  batches: number;
  rows: number;
  bytes: number;
  /** When its first batch was staged; what was due then belongs into it. */
  sinceMs: number;
}

const emptyGroup = (): CommitGroup => ({ batches: 0, rows: 0, bytes: 0, sinceMs: 0 });

export class Sequencer {
  readonly #sink: CommitSink;
  readonly #partitions: Partitions;
  readonly #options: SequencerOptions;
  readonly #inFlight = { batches: 0, rows: 0, bytes: 0 };
  #group = emptyGroup();
  #committing = false;
  #committedBefore = false;
  #advancing = false;
  #draining = false;
  #failure: { thrown: unknown } | undefined;
  #waiters: (() => void)[] = [];

  constructor(sink: CommitSink, partitions: Partitions, options: SequencerOptions) {
    this.#sink = sink;
    this.#partitions = partitions;
    this.#options = options;
  }

  get inFlightBatches(): number {
    return this.#inFlight.batches;
  }

  /** No further batch should be dispatched before some were staged. */
  get full(): boolean {
    const { maxInFlightRows, maxInFlightBytes } = this.#options;
    return this.#inFlight.rows >= maxInFlightRows || this.#inFlight.bytes >= maxInFlightBytes;
  }

  /** Nothing is in flight, staged or being committed. */
  get idle(): boolean {
    return this.#inFlight.batches === 0 && this.#group.batches === 0 && !this.#committing;
  }

  /** Takes a dispatched batch; calls per partition come in offset order. */
  add({ partition, rows, valueBytes, dueMs }: DispatchedBatch, work: Promise<BatchResult>): void {
    const sinceMs = Math.min(dueMs, performance.now());
    const batch: InFlightBatch = { dueMs: sinceMs, rows, bytes: valueBytes, result: undefined };
    partition.inFlight.push(batch);
    this.#count(batch, 1);
    work.then(
      (result) => {
        batch.result = result;
        this.advance();
      },
      (thrown) => this.#fail(thrown),
    );
  }

  /** Stages and commits what is ready. Called whenever that may have changed, also by time. */
  advance(): void {
    if (!this.#advancing && this.#failure === undefined) void this.#advance();
  }

  /** Resolves when something advanced, at the latest after `timeoutMs`. */
  async progress(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#waiters.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.throwIfFailed();
  }

  /**
   * Commits all that was added.
   * @returns false when that took longer than `timeoutMs`
   */
  async drain(timeoutMs: number): Promise<boolean> {
    const deadlineMs = performance.now() + timeoutMs;
    this.#draining = true;
    try {
      while (!this.idle) {
        this.throwIfFailed();
        const leftMs = deadlineMs - performance.now();
        if (leftMs <= 0) return false;
        this.advance();
        await this.progress(Math.min(leftMs, 100));
      }
      this.throwIfFailed();
      return true;
    } finally {
      this.#draining = false;
    }
  }

  /** Throws what a worker or the sink failed with. After a failure nothing more is committed. */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.thrown;
  }

  async #advance(): Promise<void> {
    this.#advancing = true;
    try {
      for (;;) {
        const batch = this.#groupFull ? undefined : this.#nextReady();
        if (batch?.result !== undefined) await this.#stage(batch, batch.result);
        else if (this.#shouldCommit()) this.#commit();
        else break;
      }
    } catch (thrown) {
      this.#fail(thrown);
    } finally {
      this.#advancing = false;
    }
  }

  async #stage(batch: InFlightBatch, result: BatchResult): Promise<void> {
    const group = this.#group;
    if (group.batches === 0) group.sinceMs = performance.now();
    await this.#sink.stage(result);
    group.batches++;
    group.rows += batch.rows;
    group.bytes += batch.bytes;
    this.#count(batch, -1);
    this.#options.onStaged();
    this.#wakeWaiters();
  }

  #commit(): void {
    this.#group = emptyGroup();
    this.#committing = true;
    this.#committedBefore = true;
    this.#commitGroup().then(
      (receipt) => {
        this.#committing = false;
        this.#options.onCommitted(receipt);
        this.#wakeWaiters();
        this.advance();
      },
      (thrown) => this.#fail(thrown),
    );
  }

  /** A failure that can pass does not end the run: reading it all again would cost more than the pauses. */
  async #commitGroup(): Promise<CommitReceipt> {
    for (const pauseMs of RETRY_PAUSES_MS) {
      try {
        return await this.#sink.commit();
      } catch (thrown) {
        if (!(thrown instanceof SluiceError && thrown.retryable)) throw thrown;
        this.#options.onRetry(thrown, pauseMs);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
    return await this.#sink.commit();
  }

  /** The next batch that is ready and the first of its partition. */
  #nextReady(): InFlightBatch | undefined {
    for (const { inFlight } of this.#partitions.all) {
      if (inFlight[0]?.result !== undefined) return inFlight.shift();
    }
    return undefined;
  }

  get #groupFull(): boolean {
    return this.#group.rows >= this.#options.commitRows || this.#group.bytes >= this.#options.commitBytes;
  }

  #shouldCommit(): boolean {
    if (this.#group.batches === 0 || this.#committing) return false;
    if (this.#groupFull) return true;
    // The first group is committed at once: a new run shows progress, and a short run is done sooner.
    if (!this.#committedBefore) return true;
    if (performance.now() - this.#group.sinceMs >= MAX_HOLD_MS) return true;
    if (this.#draining) return this.#inFlight.batches === 0;
    // Batches that were due together are committed together: a commit costs more than the wait for the others.
    if (this.#isWaitingForMembers) return false;
    // Under a backlog, a group is held until it is full; a small backlog is not worth the wait.
    const missingRows = this.#options.commitRows - this.#group.rows;
    return this.#comingRows < Math.min(missingRows, this.#options.minBacklogRows);
  }

  /** A batch that belongs into the group is not staged yet. */
  get #isWaitingForMembers(): boolean {
    for (const { inFlight, openBatch } of this.#partitions.all) {
      const next = inFlight[0] ?? openBatch;
      if (next !== undefined && next.dueMs <= this.#group.sinceMs) return true;
    }
    return false;
  }

  /** Rows that are on their way, or could be read at once. */
  get #comingRows(): number {
    return this.#inFlight.rows + this.#partitions.openRows + this.#partitions.lag;
  }

  #count({ rows, bytes }: InFlightBatch, sign: 1 | -1): void {
    this.#inFlight.batches += sign;
    this.#inFlight.rows += sign * rows;
    this.#inFlight.bytes += sign * bytes;
  }

  #fail(thrown: unknown): void {
    this.#failure ??= { thrown };
    this.#wakeWaiters();
  }

  #wakeWaiters(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
