/** What was committed between two events. */
import { type BatchStats, combineStats, NO_STATS } from '../core/batch-stats.js';
import type { CommitReceipt } from '../core/flow.js';

/** Offsets [startOffset, nextOffset) of a partition that were committed, or that Kafka had lost. */
export interface CommittedRange {
  readonly partition: number;
  readonly startOffset: number;
  readonly nextOffset: number;
}

export interface LineageWindow {
  readonly startedAt: Date;
  readonly stats: BatchStats;
  /** Expectations that were not met: how often, as FailedExpectation has it. */
  readonly failed: ReadonlyMap<string, number>;
  /** By partition and offset; two of a partition if another process had it in between. */
  readonly ranges: readonly CommittedRange[];
}

export class WindowBuilder {
  #startedAt: Date;
  #stats = NO_STATS;
  #failed = new Map<string, number>();
  readonly #ranges: CommittedRange[] = [];
  /** The range of each partition that grows, by its place. */
  readonly #open = new Map<number, number>();

  constructor(startedAt: Date) {
    this.#startedAt = startedAt;
  }

  /** @param ranges one for each partition of the transaction: from its position before it to that after it */
  add(
    { stats, failedExpectations = [] }: Pick<CommitReceipt, 'stats' | 'failedExpectations'>,
    ranges: readonly CommittedRange[],
  ): void {
    this.#stats = combineStats([this.#stats, stats]);
    for (const { name, failed } of failedExpectations) this.#failed.set(name, (this.#failed.get(name) ?? 0) + failed);
    for (const range of ranges) this.#addRange(range);
  }

  /** The window up to now; the next one begins. */
  close(now: Date): LineageWindow {
    const ranges = this.#ranges.splice(0).sort((a, b) => a.partition - b.partition || a.startOffset - b.startOffset);
    const window = { startedAt: this.#startedAt, stats: this.#stats, failed: this.#failed, ranges };
    this.#open.clear();
    this.#startedAt = now;
    this.#stats = NO_STATS;
    this.#failed = new Map();
    return window;
  }

  #addRange(range: CommittedRange): void {
    const { partition, startOffset, nextOffset } = range;
    const place = this.#open.get(partition);
    const last = place === undefined ? undefined : this.#ranges[place];
    if (place !== undefined && last?.nextOffset === startOffset) this.#ranges[place] = { ...last, nextOffset };
    else this.#open.set(partition, this.#ranges.push(range) - 1);
  }
}
