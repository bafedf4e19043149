import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  called
} from "./chunk-N2TRUS32.js";
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";

// src/kafka/topic-admin.ts
import kafka from "@confluentinc/kafka-javascript";
var { IsolationLevel, OffsetSpec } = kafka;
var NO_ID = "AAAAAAAAAAAAAAAAAAAAAA";
var TopicAdmin = class {
  #consumer;
  #topic;
  #client;
  #pending = /* @__PURE__ */ new Set();
  /**
   * @param consumer one that is connected, and has no call under way: the admin client begins with a copy of its lock,
   * which nobody would open again if it were closed
   */
  constructor(consumer, topic) {
    this.#consumer = consumer;
    this.#topic = topic;
    this.#client = kafka.AdminClient.createFrom(consumer);
  }
  /**
   * @throws SluiceError SLUICE_UNKNOWN_TOPIC, SLUICE_KAFKA
   */
  async identity(timeoutMs) {
    const described = this.#describe(timeoutMs);
    this.#pending.add(described);
    try {
      const topicId = (await described).topicId;
      const { _client: native } = this.#consumer;
      const id = topicId.base64.replace(/=+$/, "");
      return { clusterId: native.clusterId?.(0), topicId: id === NO_ID ? void 0 : id };
    } finally {
      this.#pending.delete(described);
    }
  }
  /**
   * Where the logs of these partitions end: with transactions, at the last stable offset. Those whose leader does not
   * answer are left out.
   * @throws LibrdKafkaError if nobody answers
   */
  async ends(partitions, timeoutMs) {
    const asked = partitions.map((partition) => ({ topic: this.#topic, partition, offset: OffsetSpec.LATEST }));
    const options = { timeout: timeoutMs, isolationLevel: IsolationLevel.READ_COMMITTED };
    const listed = called((done) => this.#client.listOffsets(asked, options, done));
    this.#pending.add(listed);
    try {
      const answers = (await listed).filter(({ error }) => error === void 0);
      return new Map(answers.map(({ partition, offset }) => [partition, offset]));
    } finally {
      this.#pending.delete(listed);
    }
  }
  /** When no request is under way any more: the consumer must not be closed before. */
  async settled() {
    await Promise.allSettled(this.#pending);
  }
  async #describe(timeoutMs) {
    const topic = this.#topic;
    let description;
    try {
      [description] = await new Promise((resolve, reject) => {
        const done = (error2, found) => error2 ? reject(error2) : resolve(found);
        this.#client.describeTopics([topic], { timeout: timeoutMs }, done);
      });
    } catch (cause) {
      throw new SluiceError("SLUICE_KAFKA", `cannot read the id of ${topic}: ${cause.message}`, { cause });
    }
    const { error } = description;
    if (error === void 0) return description;
    if (error.code === kafka.CODES.ERRORS.ERR_UNKNOWN_TOPIC_OR_PART) {
      throw new SluiceError("SLUICE_UNKNOWN_TOPIC", `the topic ${topic} no longer exists: ${error.message}`);
    }
    throw new SluiceError("SLUICE_KAFKA", `cannot read the id of ${topic}: ${error.message}`, { cause: error });
  }
};

export {
  TopicAdmin
};
//# sourceMappingURL=chunk-DXQNZRMA.js.map
