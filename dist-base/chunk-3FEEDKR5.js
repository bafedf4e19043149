import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  ChangeReader,
  isImageLost
} from "./chunk-BW2NHP6B.js";
import {
  READ_TIMEOUT_MS,
  idOf,
  timeAfter
} from "./chunk-6HJ324J6.js";
import {
  changeMessage,
  isDocumentChange,
  lacksDocument,
  snapshotMessage
} from "./chunk-TEA7FTBU.js";
import {
  memberOf
} from "./chunk-SC3AT35C.js";
import {
  snapshotCheckpoint
} from "./chunk-FVICLPMY.js";
import {
  SluiceError,
  assert
} from "./chunk-OOJGYMCI.js";

// src/capture/capture.ts
import { BSON } from "mongodb";
var MAX_WAIT_MS = 1e3;
var MAX_STALLED_MS = 12e4;
var Capture = class {
  #options;
  #parts;
  #stopping = false;
  /** When it last came round to read. */
  #readMs = performance.now();
  constructor(options, parts) {
    this.#options = options;
    this.#parts = parts;
  }
  /** Asks it to end: what was read is committed. */
  stop() {
    this.#stopping = true;
  }
  /** Why it does not work, in a sentence; undefined if it does. @param nowMs `performance.now()` */
  problem(nowMs = performance.now()) {
    const stalledMs = nowMs - this.#readMs;
    if (stalledMs <= MAX_STALLED_MS) return void 0;
    return `nothing was read from MongoDB or written to Kafka for ${Math.round(stalledMs / 1e3)} s`;
  }
  /** @throws SluiceError SLUICE_HISTORY_LOST, SLUICE_FENCED, SLUICE_STREAM_ENDED and what its parts throw */
  async run() {
    const { writer } = this.#parts;
    if (this.#options.snapshot === "always") await this.#snapshot();
    while (!this.#stopping) {
      try {
        if (writer.record?.snapshot?.done === false) await this.#snapshot();
        await this.#follow();
      } catch (thrown) {
        if (!(thrown instanceof SluiceError) || thrown.code !== "SLUICE_HISTORY_LOST") throw thrown;
        await this.#onLostHistory(thrown);
      }
    }
    await writer.settled();
  }
  /** Follows one stream until it is invalidated or the capture is stopped. */
  async #follow() {
    const { source, writer, log } = this.#parts;
    const { fullDocument, orderIdPath, transactionIntervalMs, tokenIntervalMs } = this.#options;
    const record = writer.record;
    assert(record !== void 0, "a capture that follows the stream has a position in it");
    const start = startAfter(record);
    const waitMs = Math.min(transactionIntervalMs, MAX_WAIT_MS);
    const options = {
      fullDocument,
      preImages: orderIdPath !== void 0,
      maxAwaitMs: waitMs,
      readTimeoutMs: READ_TIMEOUT_MS
    };
    const reader = new ChangeReader(source, start, options, log);
    log.info({ from: start }, `following the change stream of ${source.name}`);
    let storedMs = performance.now();
    try {
      while (!this.#stopping) {
        const events = await reader.next(waitMs);
        this.#readMs = performance.now();
        writer.throwIfFailed();
        for (const event of events) {
          if (await this.#take(event) === "invalidated") return;
          if (writer.isFull) await this.#write(event.token);
        }
        const nowMs = performance.now();
        const isIdle = events.length === 0 && writer.isEmpty && nowMs - storedMs >= tokenIntervalMs;
        if (!writer.isDue(nowMs) && !isIdle) continue;
        await this.#write(reader.token);
        storedMs = nowMs;
      }
      if (!writer.isEmpty) await this.#write(reader.token);
    } finally {
      await reader.close();
    }
  }
  /** Puts an event into the group. @throws SluiceError SLUICE_STREAM_ENDED if an invalidated stream is to end */
  async #take(event) {
    const { source, writer, log } = this.#parts;
    if (isDocumentChange(event)) {
      const isIncomplete = this.#options.fullDocument === "whenAvailable" && lacksDocument(event);
      writer.add(changeMessage(isIncomplete ? await this.#completed(event) : event, this.#options));
      return "taken";
    }
    log.warn({ token: event.token }, `${source.name}: ${event.operationType}`);
    const isInvalidate = event.operationType === "invalidate";
    if (!isInvalidate) {
      await this.#write(event.token);
      return "taken";
    }
    if (this.#options.onInvalidate === "continue") {
      await this.#beginAnew(event.token);
      return "invalidated";
    }
    await writer.settled();
    throw new SluiceError(
      "SLUICE_STREAM_ENDED",
      `the change stream of ${source.name} ended: the collection was dropped or renamed; ON_INVALIDATE=continue continues with the collection that has this name now`
    );
  }
  /**
   * After an invalidation no order is left of those before it, and the collection that has the name now may have
   * documents that no event tells of, as after a rename to it. One transaction has all that follows from this.
   */
  async #beginAnew(token) {
    const { source, writer } = this.#parts;
    if (this.#options.snapshot !== "never") {
      await writer.beginSnapshot(await source.operationTime());
      return;
    }
    const time = timeOf(token);
    writer.addMarkers(time, "begin");
    writer.addMarkers(time, "end");
    await this.#write(token);
  }
  /** An update whose document was not kept as it was has it as it is now, which is no older. */
  async #completed(event) {
    const id = memberOf(event.documentKey, "_id");
    return id === void 0 ? event : { ...event, fullDocument: await this.#parts.source.document(id) };
  }
  /** @param token the position after the group */
  async #write(token) {
    const { writer } = this.#parts;
    const { record } = writer;
    assert(record !== void 0, "a group has a position before it");
    if (token === void 0 || writer.isEmpty && token === record.token) return;
    const next = { version: 1, token, clusterTime: timeOf(token), ...record.gap && { gap: record.gap } };
    if (writer.canStore(next)) await writer.write(next);
  }
  /** Takes a snapshot of the collection as it is, or resumes one that was begun. */
  async #snapshot() {
    const { source, writer, log } = this.#parts;
    if (writer.record?.snapshot?.done !== false) await writer.beginSnapshot(await source.operationTime());
    const begun = writer.record?.snapshot;
    assert(begun !== void 0, "a snapshot was begun");
    const { time } = begun;
    const { lastId } = begun;
    log.info({ snapshot: time, lastId }, `taking a snapshot of ${source.name}`);
    const after = lastId === null ? void 0 : BSON.EJSON.parse(lastId, { relaxed: false }).id;
    let documents = 0;
    let last;
    const positionOf = (document) => BSON.EJSON.stringify({ id: idOf(document) }, { relaxed: false });
    for await (const document of source.documents(after)) {
      writer.add(snapshotMessage(document, { source: source.name, time }, this.#options));
      last = document;
      this.#readMs = performance.now();
      documents++;
      if (writer.isFull) {
        const checkpoint = snapshotCheckpoint(time, positionOf(document), false);
        if (writer.canStore(checkpoint)) await writer.write(checkpoint);
      }
      if (this.#stopping) break;
    }
    if (!this.#stopping) {
      writer.addMarkers(time, "end");
      await writer.write(snapshotCheckpoint(time, null, true));
    } else if (last !== void 0) {
      const checkpoint = snapshotCheckpoint(time, positionOf(last), false);
      if (writer.canStore(checkpoint)) await writer.write(checkpoint);
    }
    await writer.settled();
    log.info({ documents }, this.#stopping ? "the snapshot is resumed at the next start" : "the snapshot is complete");
  }
  async #onLostHistory(error) {
    const { source, writer, metrics, log } = this.#parts;
    if (this.#options.onLostHistory === "fail") {
      throw new SluiceError(
        "SLUICE_HISTORY_LOST",
        `${error.message}. Choose how to continue: "sluice capture --on-lost-history snapshot" reads the collection again, "sluice capture --on-lost-history gap" continues without the changes that are lost`,
        { cause: error }
      );
    }
    log.error(error.message);
    if (this.#options.onLostHistory === "snapshot") {
      await this.#snapshot();
      return;
    }
    const from = writer.record?.clusterTime ?? "0".repeat(16);
    const oldest = isImageLost(error.cause) ? void 0 : await source.oldestTime();
    const to = oldest ?? timeAfter(await source.operationTime());
    metrics.gaps.inc();
    log.error({ from, to }, "changes between these times are lost");
    await writer.write({ version: 1, token: null, clusterTime: to, gap: { from, to } });
  }
};
function startAfter({ token, clusterTime, snapshot }) {
  if (token !== null) return { token };
  return { time: snapshot === void 0 ? clusterTime : timeAfter(snapshot.time) };
}
function timeOf(token) {
  return token.slice(2, 18);
}

export {
  Capture
};
//# sourceMappingURL=chunk-3FEEDKR5.js.map
