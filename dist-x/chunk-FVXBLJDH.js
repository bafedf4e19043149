import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  WORKER_THREAD
} from "./chunk-EPKFPIWO.js";
import {
  WORKER_LOADED
} from "./chunk-TH4FY7UR.js";
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";

// src/worker/pool.ts
import { Piscina } from "piscina";
var WorkerPool = class {
  constructor(workers, options, log) {
    this.workers = workers;
    this.#log = log;
    this.#piscina = new Piscina({
      filename: WORKER_THREAD.href,
      name: "processBatch",
      minThreads: workers,
      maxThreads: workers,
      workerData: options,
      recordTiming: true
    });
    this.#loaded = new Promise((resolve) => {
      let loading = workers;
      this.#piscina.on("message", (message) => {
        if (message === WORKER_LOADED && --loading === 0) resolve();
      });
      this.#piscina.on("error", () => resolve());
    });
  }
  workers;
  #piscina;
  /** Settles when all threads have loaded their code, or one of them failed to. */
  #loaded;
  #tasks = /* @__PURE__ */ new Set();
  #log;
  /** While the pool is open. @throws SluiceError of the worker, or SLUICE_WORKER when its thread died */
  async run(task) {
    let reply;
    const running = this.#piscina.run(task);
    this.#tasks.add(running);
    try {
      reply = await running;
    } catch (cause) {
      const range = `partition ${task.partition}, offsets ${task.startOffset} to ${task.nextOffset}`;
      const what = `a worker failed on ${range}: ${cause.message}`;
      const message = `${what}. Nothing of it was committed: start again`;
      throw new SluiceError("SLUICE_WORKER", message, { cause });
    } finally {
      this.#tasks.delete(running);
    }
    if (!reply.ok) throw SluiceError.fromMessage(reply.error);
    if (reply.result.kernelTrap !== void 0) this.#logTrap(reply.result);
    return reply.result;
  }
  #logTrap({ partition, startOffset, nextOffset, quarantined, kernelTrap }) {
    const offsets = quarantined.filter(({ status }) => status === "kernel_trap").map(({ offset }) => offset);
    const outcome = offsets.length === 0 ? "a new instance read the whole batch" : `quarantined as kernel_trap: offset ${offsets.join(", ")}; the batch continues without`;
    this.#log.error(
      { partition, startOffset, nextOffset, offsets },
      `the WASM kernel trapped on partition ${partition}: ${kernelTrap}. This is a bug of Sluice; ${outcome}`
    );
  }
  /** Share of the threads' time spent on tasks since the start, 0 to 1. */
  get utilization() {
    return this.#piscina.utilization;
  }
  /** Stops the threads once the tasks that they have are done; what comes of those is dropped. */
  async close() {
    await this.#loaded;
    await Promise.allSettled(this.#tasks);
    await this.#piscina.destroy();
  }
};

export {
  WorkerPool
};
//# sourceMappingURL=chunk-FVXBLJDH.js.map
