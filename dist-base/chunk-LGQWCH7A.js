import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  consumerProperties
} from "./chunk-BL3W4XIE.js";
import {
  StockReader
} from "./chunk-QEBGBBCI.js";
import {
  TopicAdmin
} from "./chunk-WR3QQRH3.js";
import {
  inspectPartitions
} from "./chunk-PIEFKR7I.js";
import {
  PackedReader
} from "./chunk-D6KRNQUS.js";
import {
  ClientLog
} from "./chunk-KKZN6CSE.js";
import {
  called,
  connectClient,
  madeClient
} from "./chunk-OH6I472K.js";
import {
  isTransient,
  readError
} from "./chunk-MWQGDSM6.js";
import {
  SluiceError
} from "./chunk-OOJGYMCI.js";

// src/kafka/kafka-source.ts
import { setTimeout as sleep } from "node:timers/promises";
import kafka from "@confluentinc/kafka-javascript";
var { CODES, KafkaConsumer } = kafka;
var REQUEST_TIMEOUT_MS = 1e4;
var REQUEST_PAUSE_MS = 100;
var CLOSE_TIMEOUT_MS = 1e4;
var RELEASE_TIMEOUT_MS = 5e3;
var RELEASE_POLL_MS = 20;
var KafkaSource = class {
  #options;
  #log;
  #clientLog;
  #consumer;
  #reader;
  #admin;
  #changes = [];
  #fatal;
  /** The group gave partitions, and has not taken them back. */
  #holding = false;
  #closing = false;
  constructor(options, log) {
    this.#options = options;
    this.#log = log;
    this.#clientLog = new ClientLog(log);
    const properties = {
      ...consumerProperties(options),
      rebalance_cb: (error, partitions) => this.#onRebalance(error, partitions)
    };
    this.#consumer = madeClient(() => new KafkaConsumer(properties, { "auto.offset.reset": "error" }));
    this.#reader = makeReader(this.#consumer, options.reader);
  }
  /** Which reader is in use. */
  get reader() {
    return this.#reader.kind;
  }
  async start() {
    await this.connect();
    this.#consumer.subscribe([this.#options.topic]);
  }
  /** Connects without joining the group: enough to ask for offsets. */
  async connect() {
    const { topic, brokers } = this.#options;
    const metadata = await connectClient(this.#consumer, this.#options, this.#log);
    this.#consumer.on("event.error", (error) => this.#onError(error));
    if (partitionsOf(metadata, topic) === 0) {
      throw new SluiceError(
        "SLUICE_UNKNOWN_TOPIC",
        `the topic ${topic} does not exist on ${brokers}: create it, or set KAFKA_TOPIC`
      );
    }
    if (this.#options.hasController !== false) this.#admin = new TopicAdmin(this.#consumer, topic);
  }
  async identity(timeoutMs = REQUEST_TIMEOUT_MS) {
    return this.#admin?.identity(timeoutMs) ?? { clusterId: void 0, topicId: void 0 };
  }
  async partitionCount() {
    const { topic } = this.#options;
    const metadata = await this.#request(
      `read the partitions of ${topic}`,
      (done) => this.#consumer.getMetadata({ topic, timeout: REQUEST_TIMEOUT_MS }, done)
    );
    return partitionsOf(metadata, topic);
  }
  pollAssignment() {
    return this.#changes.shift();
  }
  async committed(partitions) {
    const { topic } = this.#options;
    const toppars = partitions.map((partition) => ({ topic, partition }));
    const found = await this.#request(
      "read the group's offsets",
      (done) => this.#consumer.committed(toppars, REQUEST_TIMEOUT_MS, done)
    );
    return new Map(
      found.map(({ partition, offset }) => [partition, offset === void 0 || offset < 0 ? void 0 : offset])
    );
  }
  async offsetRange(partition) {
    const { topic } = this.#options;
    const { lowOffset, highOffset } = await this.#request(
      `read the offsets of ${topic} partition ${partition}`,
      (done) => this.#consumer.queryWatermarkOffsets(topic, partition, REQUEST_TIMEOUT_MS, done)
    );
    return { low: lowOffset, high: highOffset };
  }
  /** Usable without the group, too, after `connect`. */
  async inspect(positions) {
    const { topic } = this.#options;
    const all = Array.from({ length: await this.partitionCount() }, (_, partition) => partition);
    const inspected = await Promise.all(
      all.map(async (partition) => {
        const position = positions.find((candidate) => candidate.partition === partition);
        return { partition, position, ...await this.offsetRange(partition) };
      })
    );
    this.#reader.reset();
    const isInterrupted = () => this.#changes.length > 0 || this.#closing;
    try {
      const { states, unknown } = await inspectPartitions(this.#consumer, topic, inspected, isInterrupted);
      if (unknown.length === 0 || isInterrupted()) return states;
      const which = unknown.join(", ");
      throw new SluiceError("SLUICE_KAFKA", `the messages before the positions of ${topic} cannot be read: ${which}`);
    } catch (thrown) {
      throw thrown instanceof SluiceError ? thrown : readError(thrown, topic);
    }
  }
  assign(positions) {
    if (this.#changes.length > 0) return;
    const { topic } = this.#options;
    this.#reader.reset();
    this.#consumer.assign(
      positions.map(({ partition, nextOffset, leaderEpoch }) => {
        return { topic, partition, offset: nextOffset, ...leaderEpoch !== void 0 && { leaderEpoch } };
      })
    );
  }
  unassign() {
    this.#reader.reset();
    this.#consumer.unassign();
  }
  async fill(chunk, timeoutMs) {
    if (this.#fatal !== void 0) throw readError(this.#fatal, this.#options.topic);
    try {
      return await this.#reader.fill(chunk, timeoutMs);
    } catch (thrown) {
      const error = thrown;
      if (!isTransient(error)) throw readError(error, this.#options.topic);
      this.#clientLog.warn(error);
      return { kind: "idle" };
    }
  }
  lag(partition, nextOffset) {
    try {
      const { highOffset } = this.#consumer.getWatermarkOffsets(this.#options.topic, partition);
      return Math.max(0, highOffset - nextOffset);
    } catch {
      return 0;
    }
  }
  commit(positions) {
    const { topic } = this.#options;
    try {
      this.#consumer.commit([...positions].map(([partition, offset]) => ({ topic, partition, offset })));
    } catch (error) {
      this.#log.warn(
        { error: error.message },
        "the group offsets were not committed; positions are safe in the sink"
      );
    }
  }
  async close() {
    this.#closing = true;
    if (!this.#consumer.isConnected()) return;
    await this.#admin?.settled();
    await this.#releasePartitions();
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
      this.#consumer.disconnect(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
  /**
   * Releases the partitions while the client is whole. Left to `disconnect`, the revocation would be answered on this
   * thread while another one destroys the client, which now and then ends the process with a segmentation fault.
   */
  async #releasePartitions() {
    const overdueMs = performance.now() + RELEASE_TIMEOUT_MS;
    if (this.#holding) this.#consumer.unsubscribe();
    this.#consumer.setDefaultConsumeTimeout(RELEASE_POLL_MS);
    while (this.#holding && performance.now() < overdueMs) {
      await new Promise((resolve) => this.#consumer.consume(1, () => resolve()));
    }
    this.#consumer.unassign();
  }
  #onRebalance(error, assignment) {
    this.#holding = error.code === CODES.ERRORS.ERR__ASSIGN_PARTITIONS;
    if (this.#closing) {
      if (this.#consumer.isConnected()) this.#consumer.unassign();
    } else if (error.code === CODES.ERRORS.ERR__ASSIGN_PARTITIONS) {
      const partitions = assignment.map(({ partition }) => partition).sort((a, b) => a - b);
      this.#changes.push({ kind: "assigned", partitions });
    } else if (error.code === CODES.ERRORS.ERR__REVOKE_PARTITIONS) {
      this.#changes.push({ kind: "revoked", lost: this.#consumer.assignmentLost() });
    } else {
      this.#fatal ??= error;
    }
  }
  #onError(error) {
    if (error.isFatal) this.#fatal ??= error;
    if (!this.#closing) this.#clientLog.warn(error);
  }
  /** Asks again what a broker answers that a moment later has another answer, as that it is not the leader yet. */
  async #request(what, call) {
    for (const overdueMs = performance.now() + REQUEST_TIMEOUT_MS; ; await sleep(REQUEST_PAUSE_MS)) {
      try {
        return await called(call);
      } catch (cause) {
        const error = cause;
        if (isTransient(error) && performance.now() < overdueMs && !this.#closing) continue;
        throw new SluiceError("SLUICE_KAFKA", `cannot ${what}: ${error.message}`, { cause });
      }
    }
  }
};
function makeReader(consumer, wanted) {
  const isSupported = PackedReader.isSupported(consumer);
  if (wanted === "packed" && !isSupported) {
    throw new SluiceError(
      "SLUICE_CONFIG",
      'KAFKA_SOURCE=packed: the Kafka addon was not compiled with consumePacked; install a C++ compiler and run "npm run setup" again, or set KAFKA_SOURCE=auto'
    );
  }
  return isSupported && wanted !== "stock" ? new PackedReader(consumer) : new StockReader(consumer);
}
function partitionsOf(metadata, topic) {
  return metadata.topics.find(({ name }) => name === topic)?.partitions.length ?? 0;
}

export {
  KafkaSource
};
//# sourceMappingURL=chunk-LGQWCH7A.js.map
