/**
 * The commit sequencer: workers finish in any order, the sink takes each partition's batches in offset order, and as
 * many ready ones as there are in one commit group.
 *
 *   add ──▶ in flight (a worker has it) ──▶ ready ──stage──▶ group ──commit──▶ committed
 *
 * One group is committed while the next one is staged. Under a backlog a group is held open until it has COMMIT_ROWS.
 */
import type { SluiceError } from '../core/errors.js';
import type { BatchResult, CommitReceipt } from '../core/flow.js';
import { withRetries } from '../core/retry.js';
import type { Sink } from '../core/sink.js';
import type { ClosedBatch } from './batcher.js';
import { CommitGroup } from './commit-group.js';
import { InFlight } from './in-flight.js';
import type { BatchWait, InFlightBatch, Partition, Partitions } from './partition.js';

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

/** How often it is looked again for what nothing may tell of. */
const POLL_MS = 100;

export class Sequencer {
  readonly #sink: CommitSink;
  readonly #partitions: Partitions;
  readonly #options: SequencerOptions;
  readonly #inFlight = new InFlight();
  /** What the next transaction takes. */
  #group = new CommitGroup();
  /** What is being committed. */
  #committing: CommitGroup | undefined;
  #committedBefore = false;
  #advancing = false;
  /** What must be committed soon. */
  #draining: readonly Partition[] | 'all' | undefined;
  /** How many calls keep a commit from beginning. */
  #holds = 0;
  /** Aborted with what failed, or when it is closed: nothing more is staged or committed. */
  readonly #over = new AbortController();
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
    return this.#inFlight.busyRows >= maxInFlightRows || this.#inFlight.bytes >= maxInFlightBytes;
  }

  /** Nothing is in flight, staged or being committed. */
  get idle(): boolean {
    return this.#inFlight.batches === 0 && this.#group.isEmpty && this.#committing === undefined;
  }

  /**
   * Takes a dispatched batch; calls per partition come in offset order.
   * @param work undefined if it was dropped before a worker had it
   */
  add(
    { partition, rows, valueBytes: bytes, dueMs }: DispatchedBatch,
    work: Promise<BatchResult | undefined>,
    wait?: BatchWait,
  ): void {
    const sinceMs = Math.min(dueMs, performance.now());
    const isWaiting = wait !== undefined;
    const batch: InFlightBatch = { partition, dueMs: sinceMs, rows, bytes, wait, isWaiting, result: undefined };
    partition.inFlight.push(batch);
    this.#inFlight.add(batch);
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
    if (!this.#advancing && !this.isOver) void this.#advance();
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
   * Commits all that was added, or all of these partitions.
   * @returns false when that took longer than `timeoutMs`
   */
  async drain(timeoutMs: number, numbers?: readonly number[]): Promise<boolean> {
    const deadlineMs = performance.now() + timeoutMs;
    const partitions = numbers === undefined ? [...this.#partitions.all] : this.#partitions.of(numbers);
    this.#draining = numbers === undefined ? 'all' : partitions;
    try {
      while (!partitions.every((partition) => this.#isCommitted(partition))) {
        this.throwIfFailed();
        const leftMs = deadlineMs - performance.now();
        if (leftMs <= 0) return false;
        this.advance();
        await this.progress(Math.min(leftMs, POLL_MS));
      }
      this.throwIfFailed();
      return true;
    } finally {
      this.#draining = undefined;
    }
  }

  /** Does what must not run beside a commit: after the one that is under way, and before the next. */
  async between<T>(work: () => Promise<T>): Promise<T> {
    this.#holds++;
    try {
      while (this.#committing !== undefined) await this.progress(POLL_MS);
      this.throwIfFailed();
      return await work();
    } finally {
      this.#holds--;
      this.advance();
    }
  }

  /** Forgets what was added of these partitions and is not committed: others read it again. No commit is under way. */
  drop(numbers: readonly number[]): void {
    const dropped = new Set(this.#partitions.of(numbers));
    for (const { inFlight } of dropped) this.#inFlight.drop(inFlight.splice(0));
    this.#group = this.#group.without(dropped);
    this.#options.onStaged();
    this.#wakeWaiters();
  }

  /** Forgets of these partitions what no worker has yet, and what comes after it. @returns how many batches */
  dropWaiting(numbers: readonly number[]): number {
    let batches = 0;
    for (const { inFlight } of this.#partitions.of(numbers)) {
      const first = inFlight.findIndex(({ isWaiting }) => isWaiting);
      if (first < 0) continue;
      batches += inFlight.length - first;
      this.#inFlight.drop(inFlight.splice(first));
    }
    return batches;
  }

  /** Throws what a worker or the sink failed with. After a failure nothing more is committed. */
  throwIfFailed(): void {
    this.#over.signal.throwIfAborted();
  }

  /** It has failed, or is closed. */
  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Begins nothing more, whatever workers and the sink still answer: they are being closed. */
  close(): void {
    this.#fail(new Error('the run is over'));
  }

  async #advance(): Promise<void> {
    this.#advancing = true;
    try {
      while (!this.isOver) {
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
    // At once: a batch that is being staged is not committed either.
    this.#group.add(batch);
    await this.#sink.stage(result);
    this.#inFlight.staged(batch);
    this.#options.onStaged();
    this.#wakeWaiters();
  }

  #commit(): void {
    this.#committing = this.#group;
    this.#group = new CommitGroup();
    this.#committedBefore = true;
    const { onRetry } = this.#options;
    // A failure that can pass does not end the run: reading it all again would cost more than the pauses.
    withRetries(() => this.#sink.commit(), { onRetry, signal: this.#over.signal }).then(
      (receipt) => {
        this.#committing = undefined;
        this.#options.onCommitted(receipt);
        this.#wakeWaiters();
        this.advance();
      },
      (thrown) => this.#fail(thrown),
    );
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
    if (this.#group.isEmpty || this.#committing !== undefined || this.#holds > 0) return false;
    if (this.#groupFull) return true;
    // The first group is committed at once: a new run shows progress, and a short run is done sooner.
    if (!this.#committedBefore) return true;
    if (performance.now() - this.#group.sinceMs >= MAX_HOLD_MS) return true;
    if (this.#draining === 'all') return this.#inFlight.batches === 0;
    if (this.#isDrained) return true;
    // Batches that were due together are committed together: a commit costs more than the wait for the others.
    if (this.#isWaitingForMembers) return false;
    // Under a backlog, a group is held until it is full; a small backlog is not worth the wait.
    const missingRows = this.#options.commitRows - this.#group.rows;
    const comingRows = this.#inFlight.rows + this.#partitions.openRows + this.#partitions.lag;
    return comingRows < Math.min(missingRows, this.#options.minBacklogRows);
  }

  /** A batch that belongs into the group is not staged yet. */
  get #isWaitingForMembers(): boolean {
    for (const { inFlight, openBatch } of this.#partitions.all) {
      const next = inFlight[0] ?? openBatch;
      if (next !== undefined && next.dueMs <= this.#group.sinceMs) return true;
    }
    return false;
  }

  /** The partitions that are drained have nothing in flight any more, and something in the group. */
  get #isDrained(): boolean {
    if (this.#draining === undefined || this.#draining === 'all') return false;
    return (
      this.#draining.every(({ inFlight }) => inFlight.length === 0) &&
      this.#draining.some((partition) => this.#group.has(partition))
    );
  }

  #isCommitted(partition: Partition): boolean {
    return partition.inFlight.length === 0 && !this.#group.has(partition) && !this.#committing?.has(partition);
  }

  #fail(thrown: unknown): void {
    this.#over.abort(thrown);
    this.#wakeWaiters();
  }

  #wakeWaiters(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
