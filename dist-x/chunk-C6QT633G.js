import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Sequencer
} from "./chunk-CVEPT3O2.js";
import {
  MAX_STALLED_MS,
  partitionStatus
} from "./chunk-5VG53R7G.js";
import {
  countCommit,
  newTotals
} from "./chunk-NWO6NEV3.js";
import {
  Assignment
} from "./chunk-GH37DZBD.js";
import {
  BACKLOG_INTERVALS,
  Batcher
} from "./chunk-XSRZ6ILZ.js";
import {
  Compactor
} from "./chunk-G6COJDPL.js";
import {
  Dispatcher
} from "./chunk-EEIWH2RV.js";
import {
  Partitions
} from "./chunk-2SIBP4NS.js";
import {
  ChunkPool
} from "./chunk-TBKYUH34.js";
import {
  SluiceError,
  asSluiceError
} from "./chunk-YDIRAWJT.js";

// src/pipeline/pipeline.ts
var [MAX_POLL_MS, WAIT_MS] = [100, 50];
var STALLED_MS = 1e4;
var UNREADABLE = /* @__PURE__ */ new Set(["SLUICE_OFFSET_OUT_OF_RANGE", "SLUICE_UNKNOWN_TOPIC"]);
var MAX_RESOLVED_IN_VAIN = 3;
var Pipeline = class {
  #options;
  #parts;
  #partitions;
  #chunks;
  #batcher;
  #sequencer;
  #dispatcher;
  #assignment;
  #compactor;
  #totals = newTotals();
  #firstCommitMs;
  #idleMs = 0;
  #stopping = false;
  /** What the next chunk must hold at least, after a fill said `oversize`. */
  #need = { valueBytes: 0, keyBytes: 0 };
  #spare;
  #lastRowsMs = performance.now();
  /** When something was committed, or nothing was left to commit. */
  #advancedMs = performance.now();
  #resolvedInVain = 0;
  constructor(options, parts) {
    this.#options = options;
    this.#parts = parts;
    this.#chunks = new ChunkPool(options.bufferBytes, options.batchRows);
    this.#partitions = new Partitions(parts.source);
    this.#batcher = new Batcher(options, this.#chunks, this.#partitions);
    this.#assignment = new Assignment(options, parts, this.#partitions);
    this.#compactor = new Compactor(parts);
    this.#sequencer = new Sequencer(parts.sink, this.#partitions, {
      commitRows: options.commitRows,
      commitBytes: options.commitBytes,
      minBacklogRows: options.batchRows,
      maxInFlightRows: (options.workers + 1) * options.batchRows,
      maxInFlightBytes: options.bufferBytes,
      onRetry: (error, pauseMs) => this.#onRetry(error, pauseMs),
      onStaged: () => this.#dispatchDue(),
      onCommitted: (receipt) => this.#onCommitted(receipt)
    });
    this.#dispatcher = new Dispatcher(options.workers, {
      ...{ batcher: this.#batcher, chunks: this.#chunks, sequencer: this.#sequencer },
      ...{ metrics: parts.metrics, runBatch: parts.runBatch },
      confirmTopic: () => this.#assignment.confirmTopic()
    });
  }
  /** Milliseconds from the start of the process to the first commit. */
  get firstCommitMs() {
    return this.#firstCommitMs;
  }
  /** Milliseconds in which there was nothing to read, to work on or to commit. */
  get idleMs() {
    return this.#idleMs;
  }
  /** Asks the loop to end: what was read is committed, nothing more is read. */
  stop() {
    this.#stopping = true;
  }
  /** What it shows of itself. @param nowMs `performance.now()` */
  status(nowMs = performance.now()) {
    const { lateAfterMs, flushIntervalMs } = this.#options;
    const { endsAsOfMs } = this.#parts.source;
    const partitions = [...this.#partitions.all].map((partition) => partitionStatus(partition, lateAfterMs, nowMs));
    return {
      ready: this.#assignment.isReading && !this.#stopping,
      partitions,
      totals: this.#totals,
      lag: partitions.reduce((sum, { lag }) => sum + lag, 0),
      lagAgeSeconds: endsAsOfMs === void 0 ? void 0 : (nowMs - endsAsOfMs) / 1e3,
      backlog: this.#partitions.backlog,
      inFlightBatches: this.#sequencer.inFlightBatches,
      chunksInUse: this.#chunks.chunksInUse,
      stalledMs: nowMs - this.#advancedMs,
      maxStalledMs: MAX_STALLED_MS + BACKLOG_INTERVALS * flushIntervalMs
    };
  }
  /**
   * Runs until stopped, or with `untilEnd` until the end offsets are committed.
   * @param state what the sink said when it was opened
   */
  async run(state) {
    this.#assignment.restore(state);
    this.#dispatcher.issueBits = state.issueBits;
    while (!this.#stopping && !this.#assignment.hasReachedEnd) {
      this.#sequencer.throwIfFailed();
      await this.#followAssignment();
      this.#dispatchDue();
      this.#sequencer.advance();
      await this.#poll();
    }
    await this.#drain();
  }
  /** A start that is cut short before its first commit gets nowhere: the first batches are small, and not held back. */
  #dispatchDue() {
    this.#dispatcher.dispatchDue(this.#firstCommitMs === void 0);
  }
  async #poll() {
    const { metrics } = this.#parts;
    const startMs = performance.now();
    const chunk = this.#sequencer.full ? void 0 : this.#acquire();
    if (chunk === void 0) {
      if (!this.#sequencer.full) this.#dispatcher.dispatchLargest();
      await this.#sequencer.progress(WAIT_MS);
      metrics.backpressureSeconds.inc((performance.now() - startMs) / 1e3);
      return;
    }
    const timeoutMs = Math.min(
      this.#dispatcher.msToNextDue(startMs, MAX_POLL_MS),
      this.#sequencer.idle ? MAX_POLL_MS : WAIT_MS
    );
    const fill = await this.#fill(chunk, timeoutMs);
    const filledMs = performance.now();
    const stage = fill.kind === "rows" ? "consume" : "idle";
    metrics.stageSeconds.inc({ stage }, (filledMs - startMs) / 1e3);
    if (fill.kind === "idle" && this.#sequencer.idle && this.#partitions.openRows === 0) {
      this.#idleMs += filledMs - startMs;
    }
    this.#takeFill(chunk, fill, filledMs);
    if (fill.kind !== "idle") this.#lastRowsMs = filledMs;
    else if (filledMs - this.#lastRowsMs > STALLED_MS) await this.#checkStalled(filledMs);
    if (fill.kind === "rows") this.#resolvedInVain = 0;
    else if (this.#partitions.backlog === 0) this.#advancedMs = filledMs;
    metrics.stageSeconds.inc({ stage: "pack" }, (performance.now() - filledMs) / 1e3);
  }
  /** A fill; `idle` after positions that are gone from Kafka were resolved again. */
  async #fill(chunk, timeoutMs) {
    try {
      return await this.#parts.source.fill(chunk, timeoutMs);
    } catch (thrown) {
      const { code } = asSluiceError(thrown, "SLUICE_KAFKA", "reading");
      if (!UNREADABLE.has(code) || ++this.#resolvedInVain > MAX_RESOLVED_IN_VAIN) throw thrown;
      this.#parts.log.warn(
        { code },
        `${thrown.message}: committing what was read, then resolving positions again`
      );
      await this.#resolveAnew();
      return { kind: "idle" };
    }
  }
  /** The client can lose the error that a position is gone, when messages came before it in the same call. */
  async #checkStalled(nowMs) {
    this.#lastRowsMs = nowMs;
    if (this.#partitions.lag === 0) return;
    if (!await this.#assignment.inRange()) await this.#resolveAnew();
  }
  /** Commits what was read, then resolves positions as for a new assignment. */
  async #resolveAnew() {
    this.#dispatcher.dispatchAll();
    await this.#drainOrFail();
    this.#startReading(await this.#assignment.assignAgain());
  }
  #startReading(positions) {
    this.#totals.lostOffsets = this.#assignment.lostOffsets;
    this.#parts.source.assign(positions);
  }
  #acquire() {
    const chunk = this.#spare ?? this.#chunks.acquire(this.#need.valueBytes, this.#need.keyBytes);
    this.#spare = void 0;
    return chunk;
  }
  #takeFill(chunk, fill, nowMs) {
    switch (fill.kind) {
      case "rows":
        this.#need = { valueBytes: 0, keyBytes: 0 };
        this.#addRows(chunk, fill, nowMs);
        return;
      case "eof": {
        const { endOffset = fill.nextOffset } = this.#partitions.get(fill.partition);
        this.#batcher.eof(fill.partition, Math.min(fill.nextOffset, endOffset), nowMs);
        this.#keepSpare(chunk);
        return;
      }
      case "oversize":
        this.#need = fill;
        this.#chunks.release(chunk);
        return;
      case "idle":
        this.#keepSpare(chunk);
    }
  }
  #addRows(chunk, { partition, nextOffset, leaderEpoch }, nowMs) {
    const { endOffset = nextOffset } = this.#partitions.get(partition);
    if (nextOffset > endOffset) chunk.truncate(endOffset);
    if (chunk.rows === 0) {
      this.#keepSpare(chunk);
      return;
    }
    this.#totals.events += chunk.rows;
    this.#totals.bytes += chunk.valueBytes;
    this.#parts.metrics.events.inc(chunk.rows);
    this.#parts.metrics.bytes.inc(chunk.valueBytes);
    this.#batcher.add({ partition, nextOffset: Math.min(nextOffset, endOffset), leaderEpoch }, chunk, nowMs);
  }
  /** Unused, it serves the next fill. */
  #keepSpare(chunk) {
    chunk.clear();
    this.#spare = chunk;
  }
  /** Answers what the group said about partitions since the last fill. */
  async #followAssignment() {
    for (let change = this.#parts.source.pollAssignment(); change; change = this.#parts.source.pollAssignment()) {
      this.#batcher.discard();
      if (change.kind === "revoked") {
        this.#parts.log.info({ lost: change.lost }, "partitions were revoked: committing what is in flight");
        await this.#drainOrFail();
        await this.#assignment.revoke();
      } else {
        this.#startReading(await this.#assignment.assign(change.partitions));
      }
    }
    this.#assignment.checkComplete();
  }
  async #drainOrFail() {
    const { shutdownGraceMs } = this.#options;
    if (await this.#sequencer.drain(shutdownGraceMs)) return;
    throw new SluiceError(
      "SLUICE_SINK",
      `the batches in flight were not committed within SHUTDOWN_GRACE_MS=${shutdownGraceMs}; they will be read again`
    );
  }
  async #drain() {
    this.#dispatcher.dispatchAll();
    if (this.#options.untilEnd && !this.#stopping) {
      while (!await this.#sequencer.drain(this.#options.shutdownGraceMs)) ;
    } else if (!await this.#sequencer.drain(this.#options.shutdownGraceMs)) {
      this.#parts.log.warn("the grace period is over: batches in flight are dropped and will be read again");
    }
  }
  #onRetry({ code, message }, pauseMs) {
    this.#parts.metrics.errors.inc({ code });
    this.#parts.log.warn({ code, pauseMs }, `${message}; retrying the commit`);
  }
  #onCommitted(receipt) {
    this.#advancedMs = performance.now();
    this.#firstCommitMs ??= this.#advancedMs;
    countCommit(this.#totals, receipt);
    this.#parts.metrics.committed(receipt);
    this.#assignment.committed(receipt.positions);
    if (this.#partitions.lag < this.#options.batchRows && !this.#stopping) this.#compactor.start();
  }
};

export {
  Pipeline
};
//# sourceMappingURL=chunk-C6QT633G.js.map
