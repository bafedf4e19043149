/**
 * The packed way from librdkafka into a chunk: `consumePacked` copies payloads natively, on a pool thread, straight
 * into the chunk's columns. There is no JS object per message.
 *
 * It is an addition to the Kafka client (native/), which set-up compiles where it can; an addon without it is read with
 * the stock reader.
 */
import type { KafkaConsumer, LibrdKafkaError } from '@confluentinc/kafka-javascript';
import type { Chunk, ChunkViews } from '../core/chunk.js';
import type { Fill } from '../core/flow.js';
import type { MessageReader } from '../core/source.js';
import type { PrefixHeaders } from './kafka-properties.js';

type PackedResult =
  | { kind: 'rows'; partition: number; rows: number; valueBytes: number; keyBytes: number; leaderEpoch?: number }
  | { kind: 'end'; partition: number; offset: number }
  | { kind: 'oversize'; partition: number; valueBytes: number; keyBytes: number }
  | { kind: 'idle' };

/** What native/ adds to a consumer's native object. */
export const NATIVE_METHOD = 'consumePacked';

/** Its error has librdkafka's code and message, and no more. */
interface Packed {
  consumePacked(
    columns: ChunkViews,
    maxRows: number,
    timeoutMs: number,
    prefixHeaders: string,
    done: (error: LibrdKafkaError | null, result: PackedResult) => void,
  ): void;
}

export class PackedReader implements MessageReader {
  readonly kind = 'packed';
  readonly #native: Packed;
  /** As native/README.md has it. */
  readonly #prefixHeaders: string;

  /** @param consumer one for which `isSupported` holds */
  constructor(consumer: KafkaConsumer, { value = '', key }: PrefixHeaders = {}) {
    this.#native = nativeOf(consumer) as Packed;
    this.#prefixHeaders = key === undefined ? value : `${value},${key}`;
  }

  /** Whether the addon was compiled with `consumePacked`. */
  static isSupported(consumer: KafkaConsumer): boolean {
    return typeof nativeOf(consumer)[NATIVE_METHOD] === 'function';
  }

  /** Nothing is kept here: the client forgets what it holds back of what it is assigned or unassigned. */
  forget(): void {}

  /** @throws LibrdKafkaError */
  async fill(chunk: Chunk, timeoutMs: number): Promise<Fill> {
    const result = await new Promise<PackedResult>((resolve, reject) => {
      this.#native.consumePacked(chunk.views, chunk.rowLimit, timeoutMs, this.#prefixHeaders, (error, done) => {
        if (error) reject(error);
        else resolve(done);
      });
    });
    switch (result.kind) {
      case 'rows': {
        const { partition, rows, valueBytes, keyBytes, leaderEpoch } = result;
        chunk.rows = rows;
        chunk.valueBytes = valueBytes;
        chunk.keyBytes = keyBytes;
        return { kind: 'rows', partition, rows, nextOffset: Number(chunk.views.offsets[rows - 1]) + 1, leaderEpoch };
      }
      case 'end':
        return { kind: 'eof', partition: result.partition, nextOffset: result.offset };
      case 'oversize': {
        const { partition, valueBytes, keyBytes } = result;
        return { kind: 'oversize', partition, valueBytes, keyBytes };
      }
      case 'idle':
        return result;
    }
  }
}

function nativeOf(consumer: KafkaConsumer): Partial<Packed> {
  return (consumer as unknown as { _client: Partial<Packed> })._client;
}
