import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  SINK_THREAD
} from "./chunk-EPKFPIWO.js";
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";

// src/sinks/duckdb/sink-client.ts
import { Worker } from "node:worker_threads";
var SinkClient = class _SinkClient {
  needsWholeTopic = true;
  #worker;
  #pending = /* @__PURE__ */ new Map();
  #nextId = 0;
  #failure;
  constructor(worker) {
    this.#worker = worker;
    worker.on("message", (reply) => {
      const pending = this.#pending.get(reply.id);
      this.#pending.delete(reply.id);
      if (reply.ok) pending?.resolve(reply.value);
      else pending?.reject(SluiceError.fromMessage(reply.error));
    });
    worker.on("error", (cause) => this.#fail(`the sink thread failed: ${cause.message}`, cause));
    worker.on("exit", (code) => this.#fail(`the sink thread ended with code ${code}`, void 0));
  }
  static start(options) {
    return new _SinkClient(new Worker(SINK_THREAD, { workerData: options }));
  }
  open() {
    return this.#call("open", []);
  }
  setIdentity(identity) {
    return this.#call("setIdentity", [identity]);
  }
  claim(partitions) {
    return this.#call("claim", [partitions]);
  }
  release(partitions) {
    return this.#call("release", [partitions]);
  }
  initPositions(starts) {
    return this.#call("initPositions", [starts]);
  }
  recordGaps(gaps) {
    return this.#call("recordGaps", [gaps]);
  }
  stage(batch) {
    const buffers = /* @__PURE__ */ new Set();
    if (batch.arrow !== void 0) buffers.add(batch.arrow.buffer);
    for (const { value } of batch.quarantined) buffers.add(value.buffer);
    return this.#call("stage", [batch], [...buffers]);
  }
  commit() {
    return this.#call("commit", []);
  }
  compact() {
    return this.#call("compact", []);
  }
  /** Closes the database and ends the thread. */
  async close() {
    if (this.#failure === void 0) await this.#call("close", []).catch(() => {
    });
    await this.#worker.terminate();
  }
  #call(method, args, transfer = []) {
    if (this.#failure !== void 0) return Promise.reject(this.#failure);
    const call = { id: this.#nextId++, method, args };
    return new Promise((resolve, reject) => {
      this.#pending.set(call.id, { resolve, reject });
      this.#worker.postMessage(call, transfer);
    });
  }
  #fail(message, cause) {
    this.#failure ??= new SluiceError("SLUICE_SINK", message, { cause });
    for (const { reject } of this.#pending.values()) reject(this.#failure);
    this.#pending.clear();
  }
};

export {
  SinkClient
};
//# sourceMappingURL=chunk-OWDDFEE5.js.map
