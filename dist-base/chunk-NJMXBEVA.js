import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  called,
  connectClient,
  madeClient
} from "./chunk-OH6I472K.js";
import {
  checkpointTopic,
  isSole,
  parseCheckpoint
} from "./chunk-FVICLPMY.js";
import {
  SluiceError
} from "./chunk-OOJGYMCI.js";

// src/capture/checkpoint-reader.ts
import { setTimeout as sleep } from "node:timers/promises";
import kafka from "@confluentinc/kafka-javascript";
var { ERRORS } = kafka.CODES;
var ABSENT = /* @__PURE__ */ new Set([ERRORS.ERR_UNKNOWN_TOPIC_OR_PART, ERRORS.ERR__NOENT]);
var TIMEOUT_MS = 3e4;
var POLL_MS = 200;
var BATCH = 1e3;
var FIRST_WINDOW = 1e3;
var GROWTH = 8;
var CheckpointReader = class _CheckpointReader {
  #options;
  #log;
  #consumer;
  #topic;
  /** Everything before this offset was delivered or is no record. */
  #reached = 0;
  /** What is to be reached. */
  #until = 0;
  constructor(options, log) {
    this.#options = options;
    this.#log = log;
    this.#topic = checkpointTopic(options.topic);
    const properties = {
      ...options.properties,
      "metadata.broker.list": options.brokers,
      "group.id": `sluice-capture-${options.source}`,
      "isolation.level": "read_committed",
      "enable.auto.commit": false,
      "enable.partition.eof": true,
      "queued.min.messages": BATCH
    };
    this.#consumer = madeClient(() => new kafka.KafkaConsumer(properties, { "auto.offset.reset": "earliest" }));
    this.#consumer.on("partition.eof", ({ offset }) => this.#onStableEnd(offset));
  }
  /** @throws SluiceError SLUICE_KAFKA_UNREACHABLE, SLUICE_CONFIG */
  static async connect(options, log) {
    const reader = new _CheckpointReader(options, log);
    try {
      await connectClient(reader.#consumer, { brokers: options.brokers, properties: options.properties }, log);
      reader.#consumer.setDefaultConsumeTimeout(POLL_MS);
      return reader;
    } catch (thrown) {
      await reader.close();
      throw thrown;
    }
  }
  /**
   * Reads what is committed now; with `everything`, also what transactions that are open now commit. Once every former
   * producer of the source was fenced, `everything` is all that there can be of it.
   * @throws SluiceError SLUICE_KAFKA if it cannot be read, or holds what this version cannot read
   */
  async read(extent) {
    try {
      const end = await this.#endOffset(extent);
      const newest = /* @__PURE__ */ new Map();
      let recordsRead = 0;
      let isKnown = false;
      for (let from = end, size = FIRST_WINDOW; from > 0 && !isKnown; size *= GROWTH) {
        const until = from;
        from = Math.max(0, until - size);
        const window = /* @__PURE__ */ new Map();
        for await (const { key, value } of this.#records(from, until)) {
          const text = value?.toString() ?? null;
          window.set(String(key), text);
          isKnown ||= text !== null && isSole(text);
          recordsRead++;
        }
        for (const [source, text] of window) if (!newest.has(source)) newest.set(source, text);
      }
      this.#log.debug({ end, recordsRead, sources: [...newest.keys()] }, `${this.#topic} was read`);
      return this.#checkpoints(newest, recordsRead);
    } catch (thrown) {
      throw this.#failure(thrown);
    } finally {
      this.#consumer.unassign();
    }
  }
  async close() {
    await new Promise((resolve) => this.#consumer.disconnect(() => resolve()));
  }
  #checkpoints(newest, recordsRead) {
    const { source } = this.#options;
    const own = newest.get(source);
    const others = [...newest].flatMap(([key, text]) => key === source || text === null ? [] : key);
    return { record: own ? parseCheckpoint(own, this.#topic) : void 0, others, recordsRead };
  }
  /** The committed records of a range, in order. */
  async *#records(from, until) {
    const { stallTimeoutMs } = this.#options;
    this.#reached = from;
    this.#until = until;
    this.#consumer.assign([{ topic: this.#topic, partition: 0, offset: from }]);
    let progressMs = performance.now();
    while (this.#reached < until) {
      const before = this.#reached;
      const messages = await called((done) => this.#consumer.consume(BATCH, done));
      for (const message of messages) if (message.offset < until) yield message;
      this.#reached = Math.max(this.#reached, (messages.at(-1)?.offset ?? -1) + 1);
      if (this.#reached > before) progressMs = performance.now();
      else if (performance.now() - progressMs > stallTimeoutMs) {
        throw new Error(
          `it ends at the offset ${until}, and nothing came after ${this.#reached} for ${stallTimeoutMs / 1e3} s: look for brokers that are down and for open transactions (kafka-transactions.sh find-hanging)`
        );
      }
    }
  }
  /** The last stable offset was reached: what is after it belongs to transactions that are open. */
  #onStableEnd(offset) {
    this.#reached = offset;
    if (offset >= this.#until) return;
    const range = { offset, end: this.#until };
    this.#log.warn(range, `${this.#topic}: another producer has an open transaction here; waiting for it to end`);
  }
  async #endOffset(extent) {
    const { brokers, properties } = this.#options;
    const { READ_COMMITTED, READ_UNCOMMITTED } = kafka.IsolationLevel;
    const isolationLevel = extent === "committed" ? READ_COMMITTED : READ_UNCOMMITTED;
    const wanted = [{ topic: this.#topic, partition: 0, offset: kafka.OffsetSpec.LATEST }];
    const admin = kafka.AdminClient.create({ ...properties, "bootstrap.servers": brokers });
    try {
      for (const overdueMs = performance.now() + TIMEOUT_MS; ; await sleep(POLL_MS)) {
        try {
          const [found] = await called(
            (done) => admin.listOffsets(wanted, { timeout: TIMEOUT_MS, isolationLevel }, done)
          );
          if (found.error) throw found.error;
          return found.offset;
        } catch (error) {
          const isAbsent = ABSENT.has(error.code);
          if (isAbsent && extent === "committed") return 0;
          if (!isAbsent || performance.now() > overdueMs) throw error;
        }
      }
    } finally {
      admin.disconnect();
    }
  }
  #failure(thrown) {
    if (thrown instanceof SluiceError) return thrown;
    return new SluiceError("SLUICE_KAFKA", `${this.#topic} cannot be read: ${thrown.message}`, {
      cause: thrown
    });
  }
};

export {
  CheckpointReader
};
//# sourceMappingURL=chunk-NJMXBEVA.js.map
