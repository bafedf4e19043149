import type { InFlightBatch, Partition } from './partition.js';

/** The batches that a transaction takes. */
export class CommitGroup {
  #batches: InFlightBatch[] = [];
  #rows = 0;
  #bytes = 0;
  #sinceMs = 0;

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Message bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** When its first batch was added; what was due then belongs into it; `performance.now()`. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  add(batch: InFlightBatch): void {
    if (this.isEmpty) this.#sinceMs = performance.now();
    this.#batches.push(batch);
    this.#rows += batch.rows;
    this.#bytes += batch.bytes;
  }

  /** Whether it has a batch of this partition. */
  has(partition: Partition): boolean {
    return this.#batches.some((batch) => batch.partition === partition);
  }

  /** The others. */
  without(partitions: ReadonlySet<Partition>): CommitGroup {
    const others = new CommitGroup();
    for (const batch of this.#batches) if (!partitions.has(batch.partition)) others.add(batch);
    return others;
  }
}
