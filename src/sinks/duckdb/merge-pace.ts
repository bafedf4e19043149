/** When the newest state is merged beside the commits, and how many rows a transaction takes. Times: milliseconds. */

/** Commits pause if there was none for so long, and for twice as long as lately between two of them, within a bound. */
const IDLE_MS = 300;
const MAX_INTERVAL_MS = 5000;
/** What the longest time between two commits counts at the next one. */
const FADING = 0.8;
/** While they do not pause, rows wait for so long, unless they are so many. */
const WAIT_MS = 2000;
const MANY_ROWS = 200_000;
/** For each millisecond of merging, so many without, and of a tail of so many rows. */
const PAUSE_FACTOR = 9;
const PAUSE_FACTOR_LONG = 1;
const LONG_TAIL_ROWS = 20_000_000;

export class MergePace {
  #waitingSinceMs: number;
  #committedMs: number;
  #intervalMs = 0;
  #pauseUntilMs = 0;

  constructor(nowMs: number) {
    this.#waitingSinceMs = nowMs;
    this.#committedMs = nowMs;
  }

  /** @param tailRows before the commit */
  committed(nowMs: number, tailRows: number): void {
    const interval = Math.max(nowMs - this.#committedMs, this.#intervalMs * FADING);
    this.#intervalMs = Math.min(MAX_INTERVAL_MS, interval);
    this.#committedMs = nowMs;
    if (tailRows === 0) this.#waitingSinceMs = nowMs;
  }

  /** Notes a merge, whatever came of it. @param tailRows that it left */
  merged(startMs: number, endMs: number, tailRows: number): void {
    const factor = tailRows > LONG_TAIL_ROWS ? PAUSE_FACTOR_LONG : PAUSE_FACTOR;
    this.#pauseUntilMs = endMs + (endMs - startMs) * factor;
    this.#waitingSinceMs = endMs;
  }

  /** @param hasFailed the last one did */
  isDue(nowMs: number, tailRows: number, hasFailed: boolean): boolean {
    if (tailRows === 0) return false;
    const isIdle = nowMs - this.#committedMs >= Math.max(IDLE_MS, 2 * this.#intervalMs);
    if (isIdle) return !hasFailed || nowMs >= this.#pauseUntilMs;
    const isMuch = tailRows >= MANY_ROWS || nowMs - this.#waitingSinceMs >= WAIT_MS;
    return isMuch && nowMs >= this.#pauseUntilMs;
  }
}

/** Rows of a transaction: at most, and if there is not enough memory for more. */
const MAX_ROWS = 1_000_000;
const MIN_ROWS = 10_000;
/** So many transactions of all the rows that they may have go well before the next may have twice as many. */
const GROW_AFTER = 10;

export class MergeSize {
  #rows = MAX_ROWS;
  #filled = 0;

  get rows(): number {
    return this.#rows;
  }

  /** Whether a transaction that lacks memory can be tried with fewer. */
  get canShrink(): boolean {
    return this.#rows > MIN_ROWS;
  }

  shrink(): void {
    this.#filled = 0;
    this.#rows = Math.max(MIN_ROWS, Math.floor(this.#rows / 2));
  }

  /** Notes a transaction of all the rows. Memory that was short may be there again; to find out may fail one. */
  wasFilled(): void {
    if (this.#rows === MAX_ROWS || ++this.#filled < GROW_AFTER) return;
    this.#filled = 0;
    this.#rows = Math.min(MAX_ROWS, this.#rows * 2);
  }
}
