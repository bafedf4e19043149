/**
 * Gives batches to the workers. Those that are full go at once; of those that are due, eight or what keeps the
 * workers busy: the others stay open and fill, because a file costs the same for one row as for a thousand.
 */
import type { ChunkPool } from '../core/chunk.js';
import type { BatchResult, BatchTask } from '../core/flow.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Batcher, ClosedBatch } from './batcher.js';
import type { BatchWait } from './partition.js';
import type { Sequencer } from './sequencer.js';

/** So few batches go together whatever the workers do: they share a proof of the topic and a commit. */
const MIN_IN_FLIGHT = 8;

export interface DispatcherParts {
  readonly batcher: Batcher;
  readonly chunks: ChunkPool;
  readonly sequencer: Sequencer;
  readonly metrics: Metrics;
  readonly runBatch: (task: BatchTask) => Promise<BatchResult>;
  /** Gives a task what it needs from elsewhere, before it is run; fails when the batch is dropped. */
  readonly prepare?: ((task: BatchTask, dropped: AbortSignal) => Promise<BatchTask>) | undefined;
  /** Proves that what was read so far is of the topic: nothing of another is committed. */
  readonly confirmTopic: () => Promise<void>;
}

export class Dispatcher {
  readonly #workers: number;
  readonly #parts: DispatcherParts;
  /** Batches that a worker is done with, and whose topic is not confirmed yet. */
  #unproven = 0;
  /** Batches that no worker has yet, because something is not there that they need. */
  #unprepared = 0;
  /** Of the tasks: which bit of `issues` each column has. */
  issueBits: readonly number[] = [];

  constructor(workers: number, parts: DispatcherParts) {
    this.#workers = workers;
    this.#parts = parts;
  }

  /** Dispatches what is full or due. @param eager also what is worth a file, if a worker has nothing to do */
  dispatchDue(eager: boolean): void {
    const { batcher, sequencer } = this.#parts;
    const isIdle = sequencer.inFlightBatches < this.#workers;
    this.#dispatch(batcher.drainClosed(performance.now(), this.#free, eager && isIdle));
  }

  /** Dispatches what frees the most memory. */
  dispatchLargest(): void {
    this.#dispatch(this.#parts.batcher.drainLargest(this.#free));
  }

  /** Dispatches everything. */
  dispatchAll(): void {
    this.#dispatch(this.#parts.batcher.drainAll());
  }

  /** Milliseconds until a batch is due that could be dispatched, at most `maximum`. */
  msToNextDue(nowMs: number, maximum: number): number {
    return this.#free > 0 ? this.#parts.batcher.msToNextFlush(nowMs, maximum) : maximum;
  }

  /**
   * How many batches the workers take: one waits, so that none of them does. Those that the sink has not taken count,
   * too: what it is behind with fills larger files. A proof takes as long as the fetch before it on the connection, and
   * nobody waits for it but its own batches; as for what a batch needs from elsewhere.
   */
  get #free(): number {
    const limit = Math.max(this.#workers + 1, MIN_IN_FLIGHT) + this.#unproven + this.#unprepared;
    return Math.max(0, limit - this.#parts.sequencer.inFlightBatches);
  }

  #dispatch(batches: readonly ClosedBatch[]): void {
    if (batches.length === 0 || this.#parts.sequencer.isOver) return;
    let isProven = false;
    // Beside the workers.
    const proven = this.#parts.confirmTopic().then(() => {
      isProven = true;
    });
    const processed = async (batch: ClosedBatch, task: Promise<BatchTask> | BatchTask, dropped?: AbortSignal) => {
      const result = await this.#process(batch, task, dropped);
      if (isProven) return result;
      this.#unproven++;
      this.dispatchDue(false);
      await proven;
      this.#unproven--;
      return result;
    };
    for (const batch of batches) {
      const { task, wait } = this.#taskOf(batch);
      const work = Promise.all([processed(batch, task, wait?.dropped.signal), proven]).then(([result]) => result);
      this.#parts.sequencer.add(batch, work, wait);
    }
  }

  #taskOf({ partition, startOffset, nextOffset, leaderEpoch, chunks }: ClosedBatch): {
    readonly task: BatchTask | Promise<BatchTask>;
    readonly wait?: BatchWait;
  } {
    const { number, committed } = partition;
    partition.times.add(startOffset, nextOffset, chunks);
    const range = { partition: number, startOffset, nextOffset, leaderEpoch, epoch: committed.epoch };
    const task = { ...range, issueBits: this.issueBits, chunks: chunks.map((chunk) => chunk.handle()) };
    const { prepare } = this.#parts;
    if (prepare === undefined) return { task };
    const dropped = new AbortController();
    this.#unprepared++;
    const over = prepare(task, dropped.signal).finally(() => {
      this.#unprepared--;
    });
    return { task: over, wait: { over, dropped } };
  }

  /** @returns undefined if it was dropped before a worker had it */
  async #process(
    { chunks }: ClosedBatch,
    prepared: BatchTask | Promise<BatchTask>,
    dropped: AbortSignal | undefined,
  ): Promise<BatchResult | undefined> {
    const dispatchedMs = performance.now();
    const task = prepared instanceof Promise ? await unlessDropped(prepared, dropped) : prepared;
    const result = task && (await this.#parts.runBatch(task));
    for (const chunk of chunks) this.#parts.chunks.release(chunk);
    if (result === undefined) return undefined;
    const { kernelSeconds, parquetSeconds } = result.stats;
    const waitSeconds = (performance.now() - dispatchedMs) / 1e3 - kernelSeconds - parquetSeconds;
    this.#parts.metrics.stageSeconds.inc({ stage: 'wait' }, Math.max(0, waitSeconds));
    return result;
  }
}

/** What a batch must have, undefined if it is dropped meanwhile: then nobody needs to know what went wrong either. */
async function unlessDropped<T>(prepared: Promise<T>, dropped: AbortSignal | undefined): Promise<T | undefined> {
  try {
    const task = await prepared;
    return dropped?.aborted ? undefined : task;
  } catch (thrown) {
    if (dropped?.aborted) return undefined;
    throw thrown;
  }
}
