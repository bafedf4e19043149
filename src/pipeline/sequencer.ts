/**
 * The commit sequencer: workers finish in any order, the sink takes each partition's batches in offset order, and as
 * many ready ones as there are in one commit group.
 *
 *   add ──▶ in flight (a worker has it) ──▶ ready ──stage──▶ group ──commit──▶ committed
 *
 * One group is committed while the next one is staged. Under a backlog a group is held open until it has COMMIT_ROWS.
 */
import type { BatchResult, CommitReceipt, Sink } from '../core/flow.js';

/** What of the sink it needs. */
export type CommitSink = Pick<Sink, 'stage' | 'commit'>;

export interface SequencerOptions {
  readonly commitRows: number;
  /** A group closes at this many message bytes, however few its rows are. */
  readonly commitBytes: number;
  /** A backlog of fewer rows is not worth waiting for. */
  readonly minBacklogRows: number;
  /** Bounds on what is between dispatch and staging. */
  readonly maxInFlightRows: number;
  readonly maxInFlightBytes: number;
  /** Rows that were read, or could be read at once, but are not dispatched yet. */
  readonly backlogRows: () => number;
  readonly onCommitted: (receipt: CommitReceipt) => void;
}

/** However large the backlog is, commits are never further apart than this. */
const MAX_HOLD_MS = 2000;

interface Slot {
  /** Counts up in the order in which batches were dispatched. */
  readonly number: number;
  readonly rows: number;
  readonly bytes: number;
  result: BatchResult | undefined;
}

export class Sequencer {
  readonly #sink: CommitSink;
  readonly #options: SequencerOptions;
  /** Batches that are not staged yet, per partition in offset order. */
  readonly #queues = new Map<number, Slot[]>();
  readonly #inFlight = { batches: 0, rows: 0, bytes: 0 };
  #groupBatches = 0;
  #groupRows = 0;
  #groupBytes = 0;
  #groupSinceMs = 0;
  /** The batches up to this number belong into the group: they were on their way when it began. */
  #groupUpTo = 0;
  #lastNumber = 0;
  #committing = false;
  #committedBefore = false;
  #pumping = false;
  #draining = false;
  #failure: { thrown: unknown } | undefined;
  #waiters: (() => void)[] = [];

  constructor(sink: CommitSink, options: SequencerOptions) {
    this.#sink = sink;
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
    return this.#inFlight.batches === 0 && this.#groupBatches === 0 && !this.#committing;
  }

  /** Takes a dispatched batch; calls per partition come in offset order. */
  add(partition: number, rows: number, bytes: number, work: Promise<BatchResult>): void {
    const slot: Slot = { number: ++this.#lastNumber, rows, bytes, result: undefined };
    const queue = this.#queues.get(partition);
    if (queue === undefined) this.#queues.set(partition, [slot]);
    else queue.push(slot);
    this.#count(slot, 1);
    work.then(
      (result) => {
        slot.result = result;
        this.advance();
      },
      (thrown) => this.#fail(thrown),
    );
  }

  /** Stages and commits what can be, now. Called whenever something changed that decides on it, time included. */
  advance(): void {
    if (!this.#pumping && this.#failure === undefined) void this.#pump();
  }

  /** Resolves when something moved on, at the latest after `timeoutMs`. */
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

  /** Throws what a worker or the sink failed with. After a failure nothing is committed any more. */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.thrown;
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    try {
      for (;;) {
        const slot = this.#groupFull ? undefined : this.#nextReady();
        if (slot?.result !== undefined) await this.#stage(slot, slot.result);
        else if (this.#shouldCommit()) this.#commit();
        else break;
      }
    } catch (thrown) {
      this.#fail(thrown);
    } finally {
      this.#pumping = false;
    }
  }

  async #stage(slot: Slot, result: BatchResult): Promise<void> {
    if (this.#groupBatches === 0) {
      this.#groupSinceMs = performance.now();
      this.#groupUpTo = this.#lastNumber;
    }
    await this.#sink.stage(result);
    this.#groupBatches++;
    this.#groupRows += slot.rows;
    this.#groupBytes += slot.bytes;
    this.#count(slot, -1);
    this.#wakeWaiters();
  }

  #commit(): void {
    this.#groupBatches = 0;
    this.#groupRows = 0;
    this.#groupBytes = 0;
    this.#committing = true;
    this.#committedBefore = true;
    this.#sink.commit().then(
      (receipt) => {
        this.#committing = false;
        this.#options.onCommitted(receipt);
        this.#wakeWaiters();
        this.advance();
      },
      (thrown) => this.#fail(thrown),
    );
  }

  /** The next batch that is ready and has none of its partition before it. */
  #nextReady(): Slot | undefined {
    for (const queue of this.#queues.values()) {
      if (queue[0]?.result !== undefined) return queue.shift();
    }
    return undefined;
  }

  get #groupFull(): boolean {
    return this.#groupRows >= this.#options.commitRows || this.#groupBytes >= this.#options.commitBytes;
  }

  #shouldCommit(): boolean {
    if (this.#groupBatches === 0 || this.#committing) return false;
    // The first group is not held: whoever starts wants to see something, and a short run is done sooner.
    if (!this.#committedBefore || this.#groupFull || performance.now() - this.#groupSinceMs >= MAX_HOLD_MS) return true;
    if (this.#draining) return this.#inFlight.batches === 0;
    // Batches that were due together are committed together: a commit costs more than the wait for the others.
    for (const queue of this.#queues.values()) if (queue.length > 0 && queue[0].number <= this.#groupUpTo) return false;
    const missingRows = this.#options.commitRows - this.#groupRows;
    return this.#inFlight.rows + this.#options.backlogRows() < Math.min(missingRows, this.#options.minBacklogRows);
  }

  #count(slot: Slot, sign: 1 | -1): void {
    this.#inFlight.batches += sign;
    this.#inFlight.rows += sign * slot.rows;
    this.#inFlight.bytes += sign * slot.bytes;
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
