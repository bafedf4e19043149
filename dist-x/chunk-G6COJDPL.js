import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  asSluiceError
} from "./chunk-YDIRAWJT.js";

// src/pipeline/compactor.ts
var Compactor = class {
  #parts;
  #running = false;
  constructor(parts) {
    this.#parts = parts;
  }
  /** Starts it unless it is running. A failure leaves the files as they are. */
  start() {
    if (!this.#running) void this.#compact();
  }
  async #compact() {
    const { sink, metrics, log } = this.#parts;
    this.#running = true;
    try {
      const receipt = await sink.compact();
      metrics.filesCompacted.inc(receipt.filesBefore);
      if (receipt.filesBefore > 0) log.info(receipt, "small Parquet files joined");
    } catch (thrown) {
      const { code, message } = asSluiceError(thrown, "SLUICE_SINK", "compaction");
      metrics.errors.inc({ code });
      log.warn({ code }, `small Parquet files stay as they are: ${message}`);
    } finally {
      this.#running = false;
    }
  }
};

export {
  Compactor
};
//# sourceMappingURL=chunk-G6COJDPL.js.map
