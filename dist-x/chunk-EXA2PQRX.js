import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  ClientLog
} from "./chunk-KKZN6CSE.js";
import {
  called,
  connectClient,
  madeClient
} from "./chunk-N2TRUS32.js";
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";

// src/capture/producer.ts
import { setTimeout as sleep } from "node:timers/promises";
import kafka from "@confluentinc/kafka-javascript";
var { ERRORS } = kafka.CODES;
var REQUEST_TIMEOUT_MS = 3e4;
var STEP_TIMEOUT_MS = 5e3;
var QUEUE_FULL_WAIT_MS = 5;
var POLL_INTERVAL_MS = 50;
var MAX_BACKOFF_MS = 1e4;
var TRANSACTION_TIMEOUT_MS = 6e4;
var REFUSALS = /* @__PURE__ */ new Map([
  [ERRORS.ERR_MSG_SIZE_TOO_LARGE, "set MAX_MESSAGE_BYTES below its max.message.bytes, or raise that"],
  [ERRORS.ERR_RECORD_LIST_TOO_LARGE, "set MAX_MESSAGE_BYTES below its segment.bytes, or raise that"],
  [ERRORS.ERR_TOPIC_AUTHORIZATION_FAILED, "allow this user to write to it"],
  [ERRORS.ERR_INVALID_RECORD, "see the log of the broker"],
  [ERRORS.ERR_POLICY_VIOLATION, "see the log of the broker"]
]);
var MESSAGE_OVERHEAD_BYTES = 1024;
var TransactionalProducer = class _TransactionalProducer {
  #client;
  #log;
  #clientLog;
  #refusal;
  #closing = false;
  constructor(client, log) {
    this.#client = client;
    this.#log = log;
    this.#clientLog = new ClientLog(log);
  }
  /**
   * Connects and fences every former producer of the same transactional id: what it had open is aborted.
   * @throws SluiceError SLUICE_KAFKA_UNREACHABLE, SLUICE_KAFKA
   */
  static async connect(options, log) {
    const properties = {
      "client.id": "sluice-capture",
      "linger.ms": 5,
      "queue.buffering.max.messages": 2e5,
      "queue.buffering.max.kbytes": 256 << 10,
      "reconnect.backoff.max.ms": 2e3,
      "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
      "delivery.report.only.error": true,
      dr_cb: true,
      ...options.properties,
      "metadata.broker.list": options.brokers,
      "message.max.bytes": options.maxMessageBytes + MESSAGE_OVERHEAD_BYTES,
      "transactional.id": options.transactionalId,
      "enable.idempotence": true,
      partitioner: "murmur2_random"
    };
    const client = madeClient(() => new kafka.Producer(properties));
    const producer = new _TransactionalProducer(client, log);
    client.on("delivery-report", (error, { topic }) => producer.#onUndelivered(error, topic));
    await connectClient(client, { brokers: options.brokers, properties: options.properties }, log);
    client.on("event.error", (error) => producer.#onError(error));
    client.setPollInterval(POLL_INTERVAL_MS);
    await producer.#untilDone("initTransactions", (done) => client.initTransactions(STEP_TIMEOUT_MS, done));
    return producer;
  }
  /** @throws SluiceError SLUICE_UNKNOWN_TOPIC */
  async partitionCount(topic) {
    const metadata = await called(
      (done) => this.#client.getMetadata({ topic, timeout: REQUEST_TIMEOUT_MS }, done)
    ).catch(() => void 0);
    const partitions = metadata?.topics.find(({ name }) => name === topic)?.partitions.length ?? 0;
    if (partitions > 0) return partitions;
    throw new SluiceError("SLUICE_UNKNOWN_TOPIC", `the topic ${topic} does not exist: create it, or set KAFKA_TOPIC`);
  }
  /**
   * Sends all messages in one transaction. What fails for now is tried again until it works or the producer is closed.
   * @throws SluiceError SLUICE_FENCED if another capture took over, SLUICE_KAFKA if a topic refuses a message for good
   */
  async transaction(messages) {
    for (let backoffMs = 100; ; backoffMs = Math.min(MAX_BACKOFF_MS, backoffMs * 2)) {
      try {
        await called((done) => this.#client.beginTransaction(done));
        for (const message of messages) await this.#produce(message);
        await this.#untilDone("commitTransaction", (done) => this.#client.commitTransaction(STEP_TIMEOUT_MS, done));
        return;
      } catch (thrown) {
        const error = thrown;
        if (thrown instanceof SluiceError || isFatal(error) || this.#closing) throw failure(error);
        this.#log.warn({ code: error.code }, `Kafka: ${error.message}; repeating the transaction`);
        await this.#untilDone("abortTransaction", (done) => this.#client.abortTransaction(STEP_TIMEOUT_MS, done));
        await sleep(Math.max(backoffMs, 2 * POLL_INTERVAL_MS));
        if (this.#refusal !== void 0) throw this.#refusal;
      }
    }
  }
  /** Ends the client; a transaction that is open is aborted by the broker. */
  async close() {
    this.#closing = true;
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, REQUEST_TIMEOUT_MS / 6);
      this.#client.disconnect(REQUEST_TIMEOUT_MS / 6, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
  async #produce({ topic, partition, key, value }) {
    for (; ; ) {
      try {
        this.#client.produce(topic, partition ?? null, value, key.includes("\0") ? Buffer.from(key) : key);
        return;
      } catch (error) {
        if (error.code !== ERRORS.ERR__QUEUE_FULL) throw error;
        await sleep(QUEUE_FULL_WAIT_MS);
      }
    }
  }
  /** A step that may take longer than one timeout, while brokers are away: retried until it is done. */
  async #untilDone(step, call) {
    for (; ; ) {
      try {
        await called((done) => call(done));
        return;
      } catch (thrown) {
        const error = thrown;
        if (!error.isRetriable || isFatal(error) || this.#closing) throw isFatal(error) ? failure(error) : error;
        this.#log.warn({ code: error.code }, `Kafka: ${step}: ${error.message}`);
      }
    }
  }
  #onUndelivered(error, topic) {
    const remedy = REFUSALS.get(error.code);
    if (remedy === void 0) return;
    const message = `the topic ${topic} refuses a message: ${error.message}; ${remedy}`;
    this.#refusal ??= new SluiceError("SLUICE_KAFKA", message, { cause: error });
  }
  #onError(error) {
    if (!this.#closing) this.#clientLog.warn(error);
  }
};
var FENCED = /* @__PURE__ */ new Set([
  ERRORS.ERR__FENCED,
  ERRORS.ERR_INVALID_PRODUCER_EPOCH,
  ERRORS.ERR_PRODUCER_FENCED
]);
function isFatal(error) {
  return error.isFatal === true || FENCED.has(error.code);
}
function failure(error) {
  if (error instanceof SluiceError) return error;
  const { code, message } = error;
  return FENCED.has(code) || /fenced/i.test(message) ? new SluiceError("SLUICE_FENCED", `another capture took over the topic: ${message}`, {
    cause: error
  }) : new SluiceError("SLUICE_KAFKA", `a transaction cannot be written: ${message}`, { cause: error });
}

export {
  TRANSACTION_TIMEOUT_MS,
  TransactionalProducer
};
//# sourceMappingURL=chunk-EXA2PQRX.js.map
