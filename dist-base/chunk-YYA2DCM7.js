import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  markerMessage,
  oversizeMessage
} from "./chunk-TEA7FTBU.js";
import {
  checkpointMessage,
  snapshotCheckpoint,
  tombstoneMessage
} from "./chunk-FVICLPMY.js";
import {
  SluiceError
} from "./chunk-OOJGYMCI.js";

// src/capture/writer.ts
function oversizeTopic(topic) {
  return `${topic}.oversize`;
}
var Group = class {
  messages = [];
  operations = /* @__PURE__ */ new Map();
  bytes = 0;
  sinceMs = 0;
};
var GroupWriter = class {
  #options;
  #parts;
  #record;
  #group = new Group();
  #committing;
  #failure;
  /** @param record the last one that was committed */
  constructor(options, parts, record) {
    this.#options = options;
    this.#parts = parts;
    this.#record = record;
    if (record !== void 0) parts.metrics.standsAt(record.clusterTime);
  }
  /** The position after all that was handed over to be committed. */
  get record() {
    return this.#record;
  }
  get isEmpty() {
    return this.#group.messages.length === 0;
  }
  get isFull() {
    const { transactionEvents, transactionBytes } = this.#options;
    return this.#group.messages.length >= transactionEvents || this.#group.bytes >= transactionBytes;
  }
  /**
   * Whether a message can hold this position: a resume token and an `_id` may be as large as a document. One that does
   * not fit is left out, and the group is written with the next one that does.
   */
  canStore(record) {
    const { topic, source, maxMessageBytes } = this.#options;
    const { key, value } = checkpointMessage(topic, source, record);
    return Buffer.byteLength(key) + (value?.length ?? 0) <= maxMessageBytes;
  }
  /** Whether to write the group now. Time alone does not wait for the transaction before: the group keeps filling. */
  isDue(nowMs) {
    if (this.isEmpty || this.isFull) return !this.isEmpty;
    return this.#committing === void 0 && nowMs - this.#group.sinceMs >= this.#options.transactionIntervalMs;
  }
  add(captured) {
    const { topic, maxMessageBytes } = this.#options;
    const { metrics, log } = this.#parts;
    const group = this.#group;
    if (this.isEmpty) group.sinceMs = performance.now();
    group.operations.set(captured.operation, (group.operations.get(captured.operation) ?? 0) + 1);
    const fits = captured.bytes <= maxMessageBytes;
    const { key, value, bytes } = fits ? captured : oversizeMessage(captured, maxMessageBytes);
    group.messages.push({ topic: fits ? topic : oversizeTopic(topic), key, value });
    group.bytes += bytes;
    if (fits) return;
    metrics.oversize.inc();
    log.error(
      { order_id: captured.orderId.text, bytes: captured.bytes },
      `larger than MAX_MESSAGE_BYTES=${maxMessageBytes}: left out`
    );
  }
  /** Marks in each partition where a snapshot begins or ends. */
  addMarkers(time, end) {
    const { topic, source, partitions } = this.#options;
    for (let partition = 0; partition < partitions; partition++) {
      const { key, value } = markerMessage({ source, time }, end, partition);
      this.#group.messages.push({ topic, partition, key, value });
    }
  }
  /** Begins a snapshot, in one transaction with what the group has: from then on it is to be taken or resumed. */
  async beginSnapshot(time) {
    this.addMarkers(time, "begin");
    await this.write(snapshotCheckpoint(time, null, false));
  }
  /** Ends other sources of the topic. */
  addTombstones(sources) {
    for (const source of sources) this.#group.messages.push(tombstoneMessage(this.#options.topic, source));
  }
  /**
   * Starts to write the group and the position after it, after the transaction before is done.
   * @throws what that one failed with
   */
  async write(record) {
    await this.settled();
    const { topic, source } = this.#options;
    const { producer, metrics } = this.#parts;
    const before = this.#record?.token;
    if (before && record.token && record.token < before) {
      throw new SluiceError("SLUICE_MONGODB", `the resume token went back from ${before} to ${record.token}`);
    }
    const { messages, operations } = this.#group;
    this.#group = new Group();
    this.#record = record;
    this.#committing = producer.transaction([...messages, checkpointMessage(topic, source, record)]).then(
      () => {
        this.#committing = void 0;
        metrics.committed(operations, record.clusterTime);
      },
      (thrown) => {
        this.#committing = void 0;
        this.#failure ??= thrown;
      }
    );
  }
  /** Waits for the transaction that is under way. @throws what it failed with */
  async settled() {
    await this.#committing;
    this.throwIfFailed();
  }
  /** Throws what a transaction failed with. */
  throwIfFailed() {
    if (this.#failure !== void 0) throw this.#failure;
  }
};

export {
  oversizeTopic,
  GroupWriter
};
//# sourceMappingURL=chunk-YYA2DCM7.js.map
