/**
 * The stock way from librdkafka into a chunk: `consume(n)` makes one JS object per message, and its payload is copied.
 *
 * Payloads are gathered in plain memory first and moved to shared memory in one block: V8 copies into shared memory
 * with relaxed atomics, which costs twice as much for many small unaligned pieces as for one large aligned one.
 */
import type { KafkaConsumer, LibrdKafkaError, Message } from '@confluentinc/kafka-javascript';
import { type Chunk, setBit } from '../core/chunk.js';
import type { Fill } from '../core/flow.js';
import type { MessageReader } from '../core/source.js';
import type { PrefixHeaders } from './kafka-properties.js';

/** More per call promotes the messages to the old generation before they are let go; fewer pays more for each call. */
const MESSAGES_PER_CALL = 1000;

export class StockReader implements MessageReader {
  readonly kind = 'stock';
  readonly #consumer: KafkaConsumer;
  readonly #prefixHeaders: PrefixHeaders;
  #messages: Message[] = [];
  #head = 0;
  /** Ends of partitions that were reached after the messages at hand: partition → offset. */
  readonly #ends = new Map<number, number>();
  readonly #scratch: Scratch = { values: new Uint8Array(0), keys: new Uint8Array(0) };

  constructor(consumer: KafkaConsumer, prefixHeaders: PrefixHeaders = {}) {
    this.#consumer = consumer;
    this.#prefixHeaders = prefixHeaders;
    // Else every message of a call after the first would be waited for; the typings do not know the method.
    (
      consumer as unknown as { setDefaultIsTimeoutOnlyForFirstMessage(on: boolean): void }
    ).setDefaultIsTimeoutOnlyForFirstMessage(true);
    consumer.on('partition.eof', ({ partition, offset }: { partition: number; offset: number }) => {
      this.#ends.set(partition, offset);
    });
  }

  /** Forgets what was taken from librdkafka of these partitions but not delivered. */
  forget(partitions: ReadonlySet<number>): void {
    this.#messages = this.#messages.slice(this.#head).filter(({ partition }) => !partitions.has(partition));
    this.#head = 0;
    for (const partition of partitions) this.#ends.delete(partition);
  }

  /** @throws LibrdKafkaError */
  async fill(chunk: Chunk, timeoutMs: number): Promise<Fill> {
    if (this.#head === this.#messages.length) {
      for (const [partition, nextOffset] of this.#ends) {
        this.#ends.delete(partition);
        return { kind: 'eof', partition, nextOffset };
      }
      this.#head = 0;
      this.#messages = await this.#consume(timeoutMs);
      if (this.#messages.length === 0) return this.#ends.size > 0 ? this.fill(chunk, 0) : { kind: 'idle' };
    }
    return this.#deliver(chunk);
  }

  #deliver(chunk: Chunk): Fill {
    const first = this.#messages[this.#head];
    const rows = appendRun(this.#messages, this.#head, chunk, this.#scratch);
    if (rows === 0) {
      const [valueBytes, keyBytes] = [byteLength(first.value), byteLength(first.key)];
      return { kind: 'oversize', partition: first.partition, valueBytes, keyBytes };
    }
    this.#head += rows;
    const { offset, leaderEpoch } = this.#messages[this.#head - 1];
    return { kind: 'rows', partition: first.partition, rows, nextOffset: offset + 1, leaderEpoch };
  }

  #consume(timeoutMs: number): Promise<Message[]> {
    this.#consumer.setDefaultConsumeTimeout(timeoutMs);
    return new Promise((resolve, reject) => {
      this.#consumer.consume(MESSAGES_PER_CALL, (error: LibrdKafkaError | null, messages: Message[]) => {
        if (error) reject(error);
        else resolve(withPrefixes(messages, this.#prefixHeaders));
      });
    });
  }
}

/** Messages with the bytes of these headers before their values and keys. */
export function withPrefixes(messages: readonly Message[], { value, key }: PrefixHeaders): Message[] {
  let prefixed = messages as Message[];
  if (value !== undefined) prefixed = prefixed.map((message) => withPrefix(message, 'value', value));
  if (key !== undefined) prefixed = prefixed.map((message) => withPrefix(message, 'key', key));
  return prefixed;
}

function withPrefix(message: Message, part: 'value' | 'key', name: string): Message {
  const header = message.headers?.findLast((candidate) => name in candidate)?.[name];
  const bytes = message[part];
  if (header === undefined || bytes === null || bytes === undefined) return message;
  return { ...message, [part]: Buffer.concat([Buffer.from(header as Uint8Array), Buffer.from(bytes as Buffer)]) };
}

/** Plain memory of the size of the current chunk's values and keys. */
interface Scratch {
  values: Uint8Array;
  keys: Uint8Array;
}

/**
 * Appends the messages from `head` on to an empty chunk, as long as they are of one partition and fit.
 * @returns how many were appended
 */
function appendRun(messages: readonly Message[], head: number, chunk: Chunk, scratch: Scratch): number {
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
    if (key) keys.set(typeof key === 'string' ? Buffer.from(key) : key, keyBytes);
    valueBytes += valueLength;
    keyBytes += keyLength;
    valueOffsets[row + 1] = valueBytes;
    keyOffsets[row + 1] = keyBytes;
    setBit(valueValidity, row, value !== null && value !== undefined);
    setBit(keyValidity, row, key !== null && key !== undefined);
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

function byteLength(bytes: Buffer | string | null | undefined): number {
  if (bytes === null || bytes === undefined) return 0;
  return typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length;
}

/** Stores a safe integer as int64, without a BigInt per row. */
function setInt64(words: Int32Array, index: number, value: number): void {
  words[index * 2] = value | 0;
  words[index * 2 + 1] = Math.floor(value / 2 ** 32);
}
