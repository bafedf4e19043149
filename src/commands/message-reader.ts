/** Messages → chunks → kernel, as `sluice parse` and the playground read them. */
import { Chunk, setBit } from '../core/chunk.js';
import type { Kernel, KernelOptions } from '../kernel/kernel.js';
import type { KernelOutput } from '../kernel/kernel-instance.js';
import { type Message, TOO_LARGE } from './message-splitter.js';

/** Of messages that come at once, whatever their number. @param highValueThreshold decimal text */
export function readerOptions(highValueThreshold: string): KernelOptions {
  const { rowLimit, valueCapacity } = new Chunk();
  return { highValueThreshold, lateAfterMs: 0, batchRows: rowLimit, batchBytes: valueCapacity };
}

/** What the kernel made of the messages of a chunk, valid until the next one is read. */
export interface ReadChunk {
  readonly chunk: Chunk;
  readonly output: KernelOutput;
  /** Of the kernel alone. */
  readonly milliseconds: number;
}

/** Gathers messages in a chunk, and has the kernel read it when it is full. */
export class MessageReader {
  readonly #kernel: Pick<Kernel, 'read'>;
  readonly #chunk = new Chunk();

  constructor(kernel: Pick<Kernel, 'read'>) {
    this.#kernel = kernel;
  }

  /** @param message null: a tombstone @returns what had to be read to make room for the message, in order */
  *take(message: Message | null): Generator<ReadChunk | typeof TOO_LARGE> {
    if (message === TOO_LARGE) {
      yield* this.flush();
      yield TOO_LARGE;
      return;
    }
    const bytes = message?.length ?? 0;
    if (bytes > this.#chunk.valueCapacity) {
      yield* this.flush();
      const large = new Chunk(1, bytes);
      append(large, message);
      yield this.#read(large);
    } else {
      if (!this.#chunk.hasRoomFor(1, bytes, 0)) yield* this.flush();
      append(this.#chunk, message);
    }
  }

  /** Reads what is left. */
  *flush(): Generator<ReadChunk> {
    if (this.#chunk.rows > 0) yield this.#read(this.#chunk);
    this.#chunk.clear();
  }

  #read(chunk: Chunk): ReadChunk {
    const start = performance.now();
    const output = this.#kernel.read(0, [chunk.handle()]);
    return { chunk, output, milliseconds: performance.now() - start };
  }
}

/** Adds a message, which must fit. @param message null: a tombstone */
export function append(chunk: Chunk, message: Uint8Array | null): void {
  const { views, rows } = chunk;
  if (message !== null) views.values.set(message, chunk.valueBytes);
  chunk.valueBytes += message?.length ?? 0;
  chunk.rows++;
  views.valueOffsets[chunk.rows] = chunk.valueBytes;
  setBit(views.valueValidity, rows, message !== null);
}
