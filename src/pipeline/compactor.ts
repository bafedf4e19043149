/** Has the sink join small Parquet files beside the commits, one join at a time. */
import { asSluiceError, type ErrorCode } from '../core/errors.js';
import { RETIRED_TEXT, type Retired } from '../core/flow.js';
import { type Logger, logRemoved } from '../core/log.js';
import type { Sink } from '../core/sink.js';
import type { Metrics } from '../metrics/metrics.js';

const LOOK_EVERY_MS = 1000;

export interface CompactorParts {
  readonly sink: Pick<Sink, 'compact'>;
  readonly metrics: Metrics;
  readonly log: Logger;
}

export class Compactor {
  readonly #parts: CompactorParts;
  #running = false;
  #lookedMs = performance.now();

  constructor(parts: CompactorParts) {
    this.#parts = parts;
  }

  /** Starts it if that was not done for a while: what is old leaves though nothing is committed. */
  look(): void {
    if (performance.now() - this.#lookedMs >= LOOK_EVERY_MS) this.start();
  }

  /** Starts it unless it is running. A failure leaves the files as they are. */
  start(): void {
    if (!this.#running) void this.#compact();
  }

  async #compact(): Promise<void> {
    const { sink, metrics, log } = this.#parts;
    this.#running = true;
    this.#lookedMs = performance.now();
    try {
      const { left, filesRewritten: _, retired, removed, ...receipt } = await sink.compact();
      metrics.filesCompacted.inc(receipt.filesBefore);
      if (receipt.filesBefore > 0) log.info(receipt, 'small Parquet files joined');
      this.#count(retired);
      logRemoved(log, removed);
      for (const why of left) this.#warn('SLUICE_SINK', why);
    } catch (thrown) {
      const { code, message } = asSluiceError(thrown, 'SLUICE_SINK', 'compaction');
      this.#warn(code, `small Parquet files stay as they are: ${message}`);
    } finally {
      this.#running = false;
    }
  }

  #count(retired: Retired): void {
    const { metrics, log } = this.#parts;
    for (const [what, count] of Object.entries(retired)) metrics.retired.inc({ what }, count);
    if (Object.values(retired).some((count) => count > 0)) log.info(retired, RETIRED_TEXT);
  }

  #warn(code: ErrorCode, message: string): void {
    this.#parts.metrics.errors.inc({ code });
    this.#parts.log.warn({ code }, message);
  }
}
