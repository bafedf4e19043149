/** Quarantined messages → what a worker makes of them with the spec as it is now. */
import type { Config } from '../config.js';
import { Chunk, setBit } from '../core/chunk.js';
import type { BatchResult, BatchTask } from '../core/flow.js';
import type { Logger } from '../core/log.js';
import type { SchemaStore } from '../registry/schema-store.js';
import { isRowTest } from '../schema/expectations.js';
import { isSealed, type MessageCipher, messagePlace, needsMaskKey } from '../schema/mask-key.js';
import type { TableSpec } from '../schema/spec.js';
import type { FileRange } from '../storage/data-dir.js';
import { BatchProcessor } from '../worker/worker.js';

/** A message as the quarantine has it. */
export interface KeptMessage {
  readonly offset: number;
  /** Milliseconds since the epoch, -1 if the message has none. */
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly reason: string;
}

/**
 * A row of the query for messages (sinks/duckdb/replay.ts).
 * @param cipher of messages that are encrypted
 * @throws SluiceError SLUICE_CONFIG if the message is encrypted, and not with this key
 */
export function keptMessage(row: Readonly<Record<string, unknown>>, cipher: MessageCipher | undefined): KeptMessage {
  const bytes = (part: 'key' | 'value') => {
    if (row[part] === null) return null;
    const place = messagePlace(String(row.topic), Number(row.partition_id), Number(row.message_offset), part);
    return opened(Buffer.from(String(row[part]), 'hex'), cipher, place);
  };
  return {
    offset: Number(row.message_offset),
    timestamp: row.time === null ? -1 : Number(row.time),
    key: bytes('key'),
    value: bytes('value'),
    reason: String(row.reason),
  };
}

function opened(bytes: Uint8Array, cipher: MessageCipher | undefined, place: string): Uint8Array {
  if (cipher !== undefined) return cipher.open(bytes, place);
  if (isSealed(bytes)) throw needsMaskKey('messages in the quarantine are encrypted, since the table spec had masks');
  return bytes;
}

/** What a worker does, in this thread. */
export class ReplayBatches {
  readonly #processor: BatchProcessor;
  readonly #schemas: SchemaStore | undefined;

  private constructor(processor: BatchProcessor, schemas: SchemaStore | undefined) {
    this.#processor = processor;
    this.#schemas = schemas;
  }

  /**
   * Of expectations only those of a row hold: the messages are some of a batch, which is long ago.
   * @param folder for files that do not count
   */
  static async open(config: Config, topic: string, spec: TableSpec, folder: string, log: Logger) {
    const { batchRows, batchBytes } = config.pipeline;
    const { valueFormat, keyFormat, url } = config.registry;
    const ofRows = { ...spec, expectations: spec.expectations.filter(isRowTest) };
    const processor = await BatchProcessor.create({
      ...{ spec: ofRows, topic, dataDir: folder, batchRows, batchBytes, valueFormat, keyFormat, mergeFrom: 'parquet' },
      ...{ ...config.parquet, ...config.worker, maskKey: config.maskKey },
    });
    if ((valueFormat === 'json' && keyFormat === 'json') || url === undefined)
      return new ReplayBatches(processor, undefined);
    const { SchemaStore } = await import('../registry/schema-store.js');
    const options = { ...config.registry, url, dataDir: folder, topic, spec, onUnknownSchema: 'quarantine' } as const;
    const schemas = new SchemaStore(options, { onError: () => {}, onUnreadable: () => {} }, log);
    await schemas.open();
    return new ReplayBatches(processor, schemas);
  }

  /** Reads messages of a batch as a worker does. @throws SluiceError as `BatchProcessor.process` */
  async read(
    { partition, start, next }: FileRange,
    messages: readonly KeptMessage[],
    issueBits: readonly number[],
  ): Promise<BatchResult> {
    const chunks = chunksOf(messages).map((chunk) => chunk.handle());
    const range = { partition, startOffset: start, nextOffset: next, leaderEpoch: undefined };
    const task: BatchTask = { ...range, chunks, issueBits };
    const prepared = await this.#schemas?.prepare(task, new AbortController().signal);
    return await this.#processor.process(prepared ?? task);
  }

  close(): void {
    this.#schemas?.close();
  }
}

const align8 = (bytes: number) => (bytes + 7) & ~7;

/** Chunks of messages, one of its own for each that is large. */
export function chunksOf(messages: readonly KeptMessage[]): Chunk[] {
  const chunks: Chunk[] = [];
  for (const message of messages) {
    const [valueBytes, keyBytes] = [message.value?.length ?? 0, message.key?.length ?? 0];
    let chunk = chunks.at(-1);
    if (!chunk?.hasRoomFor(1, valueBytes, keyBytes)) {
      const usual = new Chunk();
      chunk = usual.hasRoomFor(1, valueBytes, keyBytes)
        ? usual
        : new Chunk(1, align8(valueBytes), Math.max(usual.keyCapacity, align8(keyBytes)));
      chunks.push(chunk);
    }
    append(chunk, message);
  }
  return chunks;
}

/** Adds a message, which must fit. */
function append(chunk: Chunk, { offset, timestamp, key, value }: KeptMessage): void {
  const { views, rows } = chunk;
  views.offsets[rows] = BigInt(offset);
  views.timestamps[rows] = BigInt(timestamp);
  if (value !== null) views.values.set(value, chunk.valueBytes);
  if (key !== null) views.keys.set(key, chunk.keyBytes);
  chunk.valueBytes += value?.length ?? 0;
  chunk.keyBytes += key?.length ?? 0;
  chunk.rows++;
  views.valueOffsets[chunk.rows] = chunk.valueBytes;
  views.keyOffsets[chunk.rows] = chunk.keyBytes;
  setBit(views.valueValidity, rows, value !== null);
  setBit(views.keyValidity, rows, key !== null);
}
