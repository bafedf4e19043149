import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  SluiceError
} from "./chunk-OOJGYMCI.js";

// src/pipeline/sequencer.ts
var MAX_HOLD_MS = 2e3;
var RETRY_PAUSES_MS = [100, 300, 1e3, 3e3];
var emptyGroup = () => ({ batches: 0, rows: 0, bytes: 0, sinceMs: 0 });
var Sequencer = class {
  #sink;
  #partitions;
  #options;
  #inFlight = { batches: 0, rows: 0, bytes: 0 };
  #group = emptyGroup();
  #committing = false;
  #committedBefore = false;
  #advancing = false;
  #draining = false;
  #failure;
  #waiters = [];
  constructor(sink, partitions, options) {
    this.#sink = sink;
    this.#partitions = partitions;
    this.#options = options;
  }
  get inFlightBatches() {
    return this.#inFlight.batches;
  }
  /** No further batch should be dispatched before some were staged. */
  get full() {
    const { maxInFlightRows, maxInFlightBytes } = this.#options;
    return this.#inFlight.rows >= maxInFlightRows || this.#inFlight.bytes >= maxInFlightBytes;
  }
  /** Nothing is in flight, staged or being committed. */
  get idle() {
    return this.#inFlight.batches === 0 && this.#group.batches === 0 && !this.#committing;
  }
  /** Takes a dispatched batch; calls per partition come in offset order. */
  add({ partition, rows, valueBytes, dueMs }, work) {
    const sinceMs = Math.min(dueMs, performance.now());
    const batch = { dueMs: sinceMs, rows, bytes: valueBytes, result: void 0 };
    partition.inFlight.push(batch);
    this.#count(batch, 1);
    work.then(
      (result) => {
        batch.result = result;
        this.advance();
      },
      (thrown) => this.#fail(thrown)
    );
  }
  /** Stages and commits what is ready. Called whenever that may have changed, also by time. */
  advance() {
    if (!this.#advancing && this.#failure === void 0) void this.#advance();
  }
  /** Resolves when something advanced, at the latest after `timeoutMs`. */
  async progress(timeoutMs) {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#waiters.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.throwIfFailed();
  }
  /**
   * Commits all that was added.
   * @returns false when that took longer than `timeoutMs`
   */
  async drain(timeoutMs) {
    const deadlineMs = performance.now() + timeoutMs;
    this.#draining = true;
    try {
      while (!this.idle) {
        this.throwIfFailed();
        const leftMs = deadlineMs - performance.now();
        if (leftMs <= 0) return false;
        this.advance();
        await this.progress(Math.min(leftMs, 100));
      }
      this.throwIfFailed();
      return true;
    } finally {
      this.#draining = false;
    }
  }
  /** Throws what a worker or the sink failed with. After a failure nothing more is committed. */
  throwIfFailed() {
    if (this.#failure !== void 0) throw this.#failure.thrown;
  }
  async #advance() {
    this.#advancing = true;
    try {
      for (; ; ) {
        const batch = this.#groupFull ? void 0 : this.#nextReady();
        if (batch?.result !== void 0) await this.#stage(batch, batch.result);
        else if (this.#shouldCommit()) this.#commit();
        else break;
      }
    } catch (thrown) {
      this.#fail(thrown);
    } finally {
      this.#advancing = false;
    }
  }
  async #stage(batch, result) {
    const group = this.#group;
    if (group.batches === 0) group.sinceMs = performance.now();
    await this.#sink.stage(result);
    group.batches++;
    group.rows += batch.rows;
    group.bytes += batch.bytes;
    this.#count(batch, -1);
    this.#options.onStaged();
    this.#wakeWaiters();
  }
  #commit() {
    this.#group = emptyGroup();
    this.#committing = true;
    this.#committedBefore = true;
    this.#commitGroup().then(
      (receipt) => {
        this.#committing = false;
        this.#options.onCommitted(receipt);
        this.#wakeWaiters();
        this.advance();
      },
      (thrown) => this.#fail(thrown)
    );
  }
  /** A failure that can pass does not end the run: reading it all again would cost more than the pauses. */
  async #commitGroup() {
    for (const pauseMs of RETRY_PAUSES_MS) {
      try {
        return await this.#sink.commit();
      } catch (thrown) {
        if (!(thrown instanceof SluiceError && thrown.retryable)) throw thrown;
        this.#options.onRetry(thrown, pauseMs);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
    return await this.#sink.commit();
  }
  /** The next batch that is ready and the first of its partition. */
  #nextReady() {
    for (const { inFlight } of this.#partitions.all) {
      if (inFlight[0]?.result !== void 0) return inFlight.shift();
    }
    return void 0;
  }
  get #groupFull() {
    return this.#group.rows >= this.#options.commitRows || this.#group.bytes >= this.#options.commitBytes;
  }
  #shouldCommit() {
    if (this.#group.batches === 0 || this.#committing) return false;
    if (this.#groupFull) return true;
    if (!this.#committedBefore) return true;
    if (performance.now() - this.#group.sinceMs >= MAX_HOLD_MS) return true;
    if (this.#draining) return this.#inFlight.batches === 0;
    if (this.#isWaitingForMembers) return false;
    const missingRows = this.#options.commitRows - this.#group.rows;
    return this.#comingRows < Math.min(missingRows, this.#options.minBacklogRows);
  }
  /** A batch that belongs into the group is not staged yet. */
  get #isWaitingForMembers() {
    for (const { inFlight, openBatch } of this.#partitions.all) {
      const next = inFlight[0] ?? openBatch;
      if (next !== void 0 && next.dueMs <= this.#group.sinceMs) return true;
    }
    return false;
  }
  /** Rows that are on their way, or could be read at once. */
  get #comingRows() {
    return this.#inFlight.rows + this.#partitions.openRows + this.#partitions.lag;
  }
  #count({ rows, bytes }, sign) {
    this.#inFlight.batches += sign;
    this.#inFlight.rows += sign * rows;
    this.#inFlight.bytes += sign * bytes;
  }
  #fail(thrown) {
    this.#failure ??= { thrown };
    this.#wakeWaiters();
  }
  #wakeWaiters() {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
};

export {
  RETRY_PAUSES_MS,
  Sequencer
};
//# sourceMappingURL=chunk-TKECL2ZH.js.map
