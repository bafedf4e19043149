/** The end that a run is asked for: a signal, and how long what was read may take to be committed. */
export class Stop {
  readonly #controller = new AbortController();
  readonly #graceMs: number;
  #endMs = Infinity;

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whole milliseconds that are left of the grace period, which `abort` begins: all of it before. */
  get leftMs(): number {
    return Math.max(0, Math.ceil(Math.min(this.#graceMs, this.#endMs - performance.now())));
  }

  abort(): void {
    if (!this.signal.aborted) this.#endMs = performance.now() + this.#graceMs;
    this.#controller.abort();
  }
}
