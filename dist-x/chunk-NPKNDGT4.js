import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  setBit
} from "./chunk-TBKYUH34.js";

// src/kafka/stock-reader.ts
var MESSAGES_PER_CALL = 1e3;
var StockReader = class {
  kind = "stock";
  #consumer;
  #messages = [];
  #head = 0;
  /** Ends of partitions that were reached after the messages at hand: partition → offset. */
  #ends = /* @__PURE__ */ new Map();
  #scratch = { values: new Uint8Array(0), keys: new Uint8Array(0) };
  constructor(consumer) {
    this.#consumer = consumer;
    consumer.setDefaultIsTimeoutOnlyForFirstMessage(true);
    consumer.on("partition.eof", ({ partition, offset }) => {
      this.#ends.set(partition, offset);
    });
  }
  /** Forgets what was taken from librdkafka but not delivered. */
  reset() {
    this.#messages = [];
    this.#head = 0;
    this.#ends.clear();
  }
  /** @throws LibrdKafkaError */
  async fill(chunk, timeoutMs) {
    if (this.#head === this.#messages.length) {
      for (const [partition, nextOffset] of this.#ends) {
        this.#ends.delete(partition);
        return { kind: "eof", partition, nextOffset };
      }
      this.#head = 0;
      this.#messages = await this.#consume(timeoutMs);
      if (this.#messages.length === 0) return this.#ends.size > 0 ? this.fill(chunk, 0) : { kind: "idle" };
    }
    return this.#deliver(chunk);
  }
  #deliver(chunk) {
    const first = this.#messages[this.#head];
    const rows = appendRun(this.#messages, this.#head, chunk, this.#scratch);
    if (rows === 0) {
      const [valueBytes, keyBytes] = [byteLength(first.value), byteLength(first.key)];
      return { kind: "oversize", partition: first.partition, valueBytes, keyBytes };
    }
    this.#head += rows;
    const { offset, leaderEpoch } = this.#messages[this.#head - 1];
    return { kind: "rows", partition: first.partition, rows, nextOffset: offset + 1, leaderEpoch };
  }
  #consume(timeoutMs) {
    this.#consumer.setDefaultConsumeTimeout(timeoutMs);
    return new Promise((resolve, reject) => {
      this.#consumer.consume(MESSAGES_PER_CALL, (error, messages) => {
        if (error) reject(error);
        else resolve(messages);
      });
    });
  }
};
function appendRun(messages, head, chunk, scratch) {
  if (scratch.values.length < chunk.valueCapacity) scratch.values = new Uint8Array(chunk.valueCapacity);
  if (scratch.keys.length < chunk.keyCapacity) scratch.keys = new Uint8Array(chunk.keyCapacity);
  const { values, keys } = scratch;
  const { valueOffsets, keyOffsets, valueValidity, keyValidity, offsets, timestamps } = chunk.views;
  const offsetWords = new Int32Array(offsets.buffer, offsets.byteOffset, offsets.length * 2);
  const timestampWords = new Int32Array(timestamps.buffer, timestamps.byteOffset, timestamps.length * 2);
  const { partition } = messages[head];
  const end = Math.min(messages.length, head + chunk.rowLimit);
  let valueBytes = 0;
  let keyBytes = 0;
  let row = 0;
  valueOffsets[0] = 0;
  keyOffsets[0] = 0;
  for (let index = head; index < end; index++, row++) {
    const message = messages[index];
    const { value, key } = message;
    const valueLength = byteLength(value);
    const keyLength = byteLength(key);
    if (message.partition !== partition) break;
    if (valueBytes + valueLength > chunk.valueCapacity || keyBytes + keyLength > chunk.keyCapacity) break;
    if (value) values.set(value, valueBytes);
    if (key) keys.set(typeof key === "string" ? Buffer.from(key) : key, keyBytes);
    valueBytes += valueLength;
    keyBytes += keyLength;
    valueOffsets[row + 1] = valueBytes;
    keyOffsets[row + 1] = keyBytes;
    setBit(valueValidity, row, value !== null && value !== void 0);
    setBit(keyValidity, row, key !== null && key !== void 0);
    setInt64(offsetWords, row, message.offset);
    setInt64(timestampWords, row, message.timestamp ?? -1);
  }
  chunk.views.values.set(values.subarray(0, valueBytes));
  chunk.views.keys.set(keys.subarray(0, keyBytes));
  chunk.rows = row;
  chunk.valueBytes = valueBytes;
  chunk.keyBytes = keyBytes;
  return row;
}
function byteLength(bytes) {
  if (bytes === null || bytes === void 0) return 0;
  return typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.length;
}
function setInt64(words, index, value) {
  words[index * 2] = value | 0;
  words[index * 2 + 1] = Math.floor(value / 2 ** 32);
}

export {
  StockReader
};
//# sourceMappingURL=chunk-NPKNDGT4.js.map
