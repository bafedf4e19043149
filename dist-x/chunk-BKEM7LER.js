import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  called
} from "./chunk-N2TRUS32.js";
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";

// src/kafka/embedded-kafka.ts
import kafka from "@confluentinc/kafka-javascript";
var POLL_INTERVAL_MS = 20;
var TIMEOUT_MS = 1e4;
var EmbeddedKafka = class _EmbeddedKafka {
  constructor(producer, brokers) {
    this.brokers = brokers;
    this.#producer = producer;
  }
  brokers;
  #producer;
  /** Starts one broker with a topic of four partitions. */
  static async start(topic) {
    const producer = new kafka.Producer({
      // The mock cluster takes this name's place: nothing is ever asked at it.
      "metadata.broker.list": "127.0.0.1:1",
      "test.mock.num.brokers": 1,
      partitioner: "murmur2_random",
      "linger.ms": 5
    });
    const metadata = await request((done) => producer.connect({ timeout: TIMEOUT_MS }, done));
    producer.setPollInterval(POLL_INTERVAL_MS);
    await request((done) => producer.getMetadata({ topic, timeout: TIMEOUT_MS }, done));
    const [{ host, port }] = metadata.brokers;
    return new _EmbeddedKafka(producer, `${host}:${port}`);
  }
  /** Queues a message; its partition follows from the key, as with the Java client. */
  produce(topic, key, value) {
    this.#producer.produce(topic, null, value, key);
  }
  async flush() {
    await request((done) => this.#producer.flush(TIMEOUT_MS, done));
  }
  async stop() {
    await new Promise((resolve) => this.#producer.disconnect(() => resolve()));
  }
};
async function request(call) {
  try {
    return await called(call);
  } catch (cause) {
    throw new SluiceError("SLUICE_KAFKA", `the embedded Kafka failed: ${cause.message}`, { cause });
  }
}

export {
  EmbeddedKafka
};
//# sourceMappingURL=chunk-BKEM7LER.js.map
