/** When the newest state is merged beside the commits, and how many rows a transaction takes. Times: milliseconds. */

/** Commits pause if there was none for so long, and for twice as long as lately between two of them, within a bound. */
const IDLE_MS = 300;
const MAX_INTERVAL_MS = 5000;
/** What the longest time between two commits counts at the next one. */
const FADING = 0.8;
/** While they do not pause, rows wait for so long, unless they are so many. */
const WAIT_MS = 2000;
const MANY_ROWS = 100_000;
/** For each millisecond of merging, so many without, within a bound: the tail grows meanwhile. */
const PAUSE_FACTOR = 9;
const MAX_PAUSE_MS = 10_000;
/**
 * A commit of so many rows is of a backlog. Then the tail may have so many rows for each row of the state, within
 * bounds: a merge writes each row of the state once, and that is the most of its cost.
 */
const BACKLOG_ROWS = 100_000;
const TAIL_SHARE = 20;
const MIN_TAIL_ROWS = 2_000_000;
const MAX_TAIL_ROWS = 20_000_000;

/** How long a tail may get while a backlog is read, and what one transaction takes of it at most: rows. */
export function longTail(stateRows: number): number {
  return Math.min(MAX_TAIL_ROWS, Math.max(MIN_TAIL_ROWS, stateRows * TAIL_SHARE));
}

/** From so many rows on, and such a share of the change log, the whole log is read in less time than the tail. */
const LONG_ROWS = 1_000_000;
const LONG_SHARE = 0.2;

/** Whether the view should rather be that of the whole change log. Numbers of rows. */
export function isLong(tail: number, log: number): boolean {
  return tail >= Math.max(LONG_ROWS, log * LONG_SHARE);
}

export class MergePace {
  #waitingSinceMs: number;
  #committedMs: number;
  #intervalMs = 0;
  #pauseUntilMs = 0;
  #isBacklog = false;

  constructor(nowMs: number) {
    this.#waitingSinceMs = nowMs;
    this.#committedMs = nowMs;
  }

  /** @param tailRows before the commit */
  committed(nowMs: number, rows: number, tailRows: number): void {
    this.#isBacklog = rows >= BACKLOG_ROWS;
    const interval = Math.max(nowMs - this.#committedMs, this.#intervalMs * FADING);
    this.#intervalMs = Math.min(MAX_INTERVAL_MS, interval);
    this.#committedMs = nowMs;
    if (tailRows === 0) this.#waitingSinceMs = nowMs;
  }

  /** Notes a merge, whatever came of it. */
  merged(startMs: number, endMs: number): void {
    this.#pauseUntilMs = endMs + Math.min(MAX_PAUSE_MS, (endMs - startMs) * PAUSE_FACTOR);
    this.#waitingSinceMs = endMs;
  }

  /** @param rows of the tail, and of the state @param hasFailed the last one did */
  isDue(nowMs: number, rows: { readonly tail: number; readonly state: number }, hasFailed: boolean): boolean {
    if (rows.tail === 0) return false;
    const isIdle = nowMs - this.#committedMs >= Math.max(IDLE_MS, 2 * this.#intervalMs);
    if (isIdle) return !hasFailed || nowMs >= this.#pauseUntilMs;
    if (nowMs < this.#pauseUntilMs) return false;
    if (this.#isBacklog) return rows.tail >= longTail(rows.state);
    return rows.tail >= MANY_ROWS || nowMs - this.#waitingSinceMs >= WAIT_MS;
  }
}

/** Rows of a transaction if there is not enough memory for more, and how many times fewer it has each time. */
const MIN_ROWS = 10_000;
const SHRINK_FACTOR = 4;
/** So many transactions of all the rows that they may have go well before the next may have twice as many. */
const GROW_AFTER = 10;

export class MergeSize {
  #rows = MAX_TAIL_ROWS;
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
    this.#rows = Math.max(MIN_ROWS, Math.floor(this.#rows / SHRINK_FACTOR));
  }

  /** Notes a transaction of all the rows. Memory that was short may be there again; to find out may fail one. */
  wasFilled(): void {
    if (this.#rows === MAX_TAIL_ROWS || ++this.#filled < GROW_AFTER) return;
    this.#filled = 0;
    this.#rows = Math.min(MAX_TAIL_ROWS, this.#rows * 2);
  }
}
