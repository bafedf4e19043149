/** Has the sink join small Parquet files beside the commits, once at a time. */
import { asSluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import type { Sink } from '../core/sink.js';
import type { Metrics } from '../metrics/metrics.js';

export interface CompactorParts {
  readonly sink: Pick<Sink, 'compact'>;
  readonly metrics: Metrics;
  readonly log: Logger;
}

export class Compactor {
  readonly #parts: CompactorParts;
  #running = false;

  constructor(parts: CompactorParts) {
    this.#parts = parts;
  }

  /** Starts it, unless it runs already. A failure leaves the files as they are. */
  start(): void {
    if (!this.#running) void this.#compact();
  }

  async #compact(): Promise<void> {
    const { sink, metrics, log } = this.#parts;
    this.#running = true;
    try {
      const receipt = await sink.compact();
      metrics.filesCompacted.inc(receipt.filesBefore);
      if (receipt.filesBefore > 0) log.info(receipt, 'small Parquet files joined');
    } catch (thrown) {
      const { code, message } = asSluiceError(thrown, 'SLUICE_SINK', 'compaction');
      metrics.errors.inc({ code });
      log.warn({ code }, `small Parquet files stay as they are: ${message}`);
    } finally {
      this.#running = false;
    }
  }
}
