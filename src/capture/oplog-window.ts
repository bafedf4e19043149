/** How far back the oplog goes: a position that is older cannot be continued from. */
import type { Logger } from '../core/log.js';
import type { CapturedCollection } from './collection.js';
import { type CaptureMetrics, secondsOf } from './metrics.js';

const ASK_INTERVAL_MS = 60_000;

/** What is asked for it. */
export type OplogSource = Pick<CapturedCollection, 'name' | 'oldestTime'>;

export class OplogWindow {
  readonly #source: OplogSource;
  readonly #metrics: CaptureMetrics;
  readonly #log: Pick<Logger, 'warn'>;
  #nextMs = 0;
  #isAsking = false;
  #hasWarned = false;

  constructor(source: OplogSource, metrics: CaptureMetrics, log: Pick<Logger, 'warn'>) {
    this.#source = source;
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Asks for the oldest time at most once a minute. Called before each scrape, which does not wait for the answer. */
  refresh(nowMs: number = performance.now()): void {
    if (this.#isAsking || nowMs < this.#nextMs) return;
    this.#isAsking = true;
    this.#nextMs = nowMs + ASK_INTERVAL_MS;
    void this.#ask().finally(() => {
      this.#isAsking = false;
    });
  }

  async #ask(): Promise<void> {
    try {
      const oldest = await this.#source.oldestTime();
      this.#metrics.oplogBegins(oldest === undefined ? undefined : secondsOf(oldest));
      if (oldest === undefined) this.#warn('the user may not read local.oplog.rs');
    } catch (thrown) {
      this.#metrics.oplogBegins(undefined);
      this.#warn((thrown as Error).message);
    }
  }

  #warn(why: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#log.warn(`${this.#source.name}: the window of the oplog is not shown in the metrics: ${why}`);
  }
}
