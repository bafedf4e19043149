/** Where the logs of the partitions end, as brokers said last: it is kept while none of them answers. */

/** How often they are asked. */
const INTERVAL_MS = 5000;
const TIMEOUT_MS = 2000;

/** Asks the brokers. Partitions without an answer are left out. */
export type ListEnds = (partitions: readonly number[], timeoutMs: number) => Promise<ReadonlyMap<number, number>>;

interface LogEnd {
  readonly offset: number;
  /** When it was asked for; `performance.now()`. */
  readonly asOfMs: number;
}

export class LogEnds {
  readonly #list: ListEnds;
  readonly #ends = new Map<number, LogEnd>();
  #watched: readonly number[] = [];
  #askedMs = Number.NEGATIVE_INFINITY;
  #asking = false;

  constructor(list: ListEnds) {
    this.#list = list;
  }

  /** Asks for the ends of these partitions from now on. What is known of others is kept. */
  watch(partitions: readonly number[]): void {
    this.#watched = partitions;
    this.#askedMs = Number.NEGATIVE_INFINITY;
  }

  /** Undefined if no broker has said it yet. */
  endOf(partition: number): number | undefined {
    return this.#ends.get(partition)?.offset;
  }

  /** As of when all ends are known; `performance.now()`; undefined if one is not. */
  get asOfMs(): number | undefined {
    let oldest: number | undefined;
    for (const partition of this.#watched) {
      const end = this.#ends.get(partition);
      if (end === undefined) return undefined;
      oldest = Math.min(oldest ?? end.asOfMs, end.asOfMs);
    }
    return oldest;
  }

  /** Asks the brokers now and then, beside the caller: to be called often. */
  refresh(): void {
    const nowMs = performance.now();
    if (this.#asking || this.#watched.length === 0 || nowMs - this.#askedMs < INTERVAL_MS) return;
    this.#askedMs = nowMs;
    void this.#ask(this.#watched, nowMs);
  }

  async #ask(partitions: readonly number[], asOfMs: number): Promise<void> {
    this.#asking = true;
    try {
      for (const [partition, offset] of await this.#list(partitions, TIMEOUT_MS)) {
        this.#ends.set(partition, { offset, asOfMs });
      }
    } catch {
      // No broker answers, which the client logs. What is known gets older.
    } finally {
      this.#asking = false;
    }
  }
}
