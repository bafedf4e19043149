/**
 * Chunks: each is an Arrow record batch of messages of one partition, in offset order, in a slab of shared memory.
 * messages.ts has its schema.
 *
 *   offsets        int64 [rowCapacity]      Kafka offsets
 *   timestamps     int64 [rowCapacity]      milliseconds since the epoch, -1 if the message has none
 *   valueOffsets   int32 [rowCapacity + 1]  value i is values[valueOffsets[i] … valueOffsets[i + 1])
 *   keyOffsets     int32 [rowCapacity + 1]
 *   valueValidity  bit   [rowCapacity]      0: a tombstone (null), not an empty value
 *   keyValidity    bit   [rowCapacity]      0: the message has no key
 *   keys           byte  [keyCapacity]
 *   values         byte  [valueCapacity]
 *
 * Each part starts on an 8-byte boundary. The main thread fills a chunk, one worker reads it, and it is released.
 */
import { assert } from './errors.js';
import type { ChunkHandle } from './flow.js';

/** The usual size: with values of 350 bytes about 2,500 messages, which stay in a core's L2 cache. */
const SLAB_BYTES = 1 << 20;
/** Short runs are kept in smaller chunks: each open batch pins at least one, and there may be thousands of those. */
const SLAB_SIZES = [SLAB_BYTES >> 4, SLAB_BYTES >> 2, SLAB_BYTES];

/** Browsers share memory only for pages that are served with certain headers. */
const Memory = globalThis.SharedArrayBuffer ?? ArrayBuffer;

const align8 = (bytes: number) => (bytes + 7) & ~7;

function layout(rowCapacity: number, keyCapacity: number, valueCapacity: number) {
  const timestamps = rowCapacity * 8;
  const valueOffsets = timestamps + rowCapacity * 8;
  const keyOffsets = valueOffsets + align8((rowCapacity + 1) * 4);
  const valueValidity = keyOffsets + align8((rowCapacity + 1) * 4);
  const keyValidity = valueValidity + align8(rowCapacity / 8);
  const keys = keyValidity + align8(rowCapacity / 8);
  const values = keys + align8(keyCapacity);
  return {
    timestamps,
    valueOffsets,
    keyOffsets,
    valueValidity,
    keyValidity,
    keys,
    values,
    end: values + valueCapacity,
  };
}

/** What a slab of this size holds: keys take a sixteenth of it, rows are of 256 bytes or more. */
function capacitiesOf(bytes: number) {
  const [rows, keyBytes] = [bytes >> 8, bytes >> 4];
  return { bytes, rows, keyBytes, valueBytes: bytes - layout(rows, keyBytes, 0).end };
}

type Capacities = ReturnType<typeof capacitiesOf>;

const SIZES: readonly Capacities[] = SLAB_SIZES.map(capacitiesOf);
const { rows: ROW_CAPACITY, keyBytes: KEY_CAPACITY, valueBytes: VALUE_CAPACITY } = capacitiesOf(SLAB_BYTES);

/** Typed views over a chunk's memory. */
export class ChunkViews {
  readonly offsets: BigInt64Array;
  readonly timestamps: BigInt64Array;
  readonly valueOffsets: Int32Array;
  readonly keyOffsets: Int32Array;
  readonly valueValidity: Uint8Array;
  readonly keyValidity: Uint8Array;
  readonly keys: Uint8Array;
  readonly values: Uint8Array;

  constructor(memory: ArrayBufferLike, rowCapacity: number, keyCapacity: number, valueCapacity: number) {
    const at = layout(rowCapacity, keyCapacity, valueCapacity);
    this.offsets = new BigInt64Array(memory, 0, rowCapacity);
    this.timestamps = new BigInt64Array(memory, at.timestamps, rowCapacity);
    this.valueOffsets = new Int32Array(memory, at.valueOffsets, rowCapacity + 1);
    this.keyOffsets = new Int32Array(memory, at.keyOffsets, rowCapacity + 1);
    this.valueValidity = new Uint8Array(memory, at.valueValidity, rowCapacity / 8);
    this.keyValidity = new Uint8Array(memory, at.keyValidity, rowCapacity / 8);
    this.keys = new Uint8Array(memory, at.keys, keyCapacity);
    this.values = new Uint8Array(memory, at.values, valueCapacity);
  }

  static of(handle: ChunkHandle): ChunkViews {
    return new ChunkViews(handle.memory, handle.rowCapacity, handle.keyCapacity, handle.valueCapacity);
  }
}

/** A chunk on the main thread: its views and how far they are filled. */
export class Chunk {
  readonly memory: ArrayBufferLike;
  readonly views: ChunkViews;
  /** How many messages it may take: at most `rowCapacity`. */
  readonly rowLimit: number;
  rows = 0;
  valueBytes = 0;
  keyBytes = 0;

  constructor(
    rowLimit: number = ROW_CAPACITY,
    readonly valueCapacity: number = VALUE_CAPACITY,
    readonly keyCapacity: number = KEY_CAPACITY,
    readonly rowCapacity: number = ROW_CAPACITY,
  ) {
    this.rowLimit = Math.min(rowLimit, rowCapacity);
    this.memory = new Memory(layout(rowCapacity, keyCapacity, valueCapacity).end);
    this.views = new ChunkViews(this.memory, rowCapacity, keyCapacity, valueCapacity);
  }

  get byteLength(): number {
    return this.memory.byteLength;
  }

  clear(): void {
    this.rows = 0;
    this.valueBytes = 0;
    this.keyBytes = 0;
  }

  handle(): ChunkHandle {
    const { memory, rowCapacity, valueCapacity, keyCapacity, rows, valueBytes } = this;
    return { memory, rowCapacity, valueCapacity, keyCapacity, rows, valueBytes };
  }

  hasRoomFor(rows: number, valueBytes: number, keyBytes: number): boolean {
    return (
      this.rows + rows <= this.rowLimit &&
      this.valueBytes + valueBytes <= this.valueCapacity &&
      this.keyBytes + keyBytes <= this.keyCapacity
    );
  }

  /** Appends all messages of `other`, which must fit. For short runs: a long one is worth a chunk of its own. */
  append(other: Chunk): void {
    assert(this.hasRoomFor(other.rows, other.valueBytes, other.keyBytes), 'the messages to append fit the chunk');
    const to = this.views;
    const from = other.views;
    to.values.set(from.values.subarray(0, other.valueBytes), this.valueBytes);
    to.keys.set(from.keys.subarray(0, other.keyBytes), this.keyBytes);
    to.offsets.set(from.offsets.subarray(0, other.rows), this.rows);
    to.timestamps.set(from.timestamps.subarray(0, other.rows), this.rows);
    for (let row = 0; row < other.rows; row++) {
      const at = this.rows + row;
      to.valueOffsets[at + 1] = this.valueBytes + from.valueOffsets[row + 1];
      to.keyOffsets[at + 1] = this.keyBytes + from.keyOffsets[row + 1];
      setBit(to.valueValidity, at, bit(from.valueValidity, row));
      setBit(to.keyValidity, at, bit(from.keyValidity, row));
    }
    this.rows += other.rows;
    this.valueBytes += other.valueBytes;
    this.keyBytes += other.keyBytes;
  }

  /** Forgets the messages at `nextOffset` and beyond. */
  truncate(nextOffset: number): void {
    const { offsets, valueOffsets, keyOffsets } = this.views;
    while (this.rows > 0 && offsets[this.rows - 1] >= nextOffset) this.rows--;
    this.valueBytes = valueOffsets[this.rows];
    this.keyBytes = keyOffsets[this.rows];
  }
}

/** The chunks of a process: at most `bufferBytes` of them exist, and when all are in use the next one has to wait. */
export class ChunkPool {
  /** Chunks that are not in use, by their bytes; larger ones than the usual are not kept. */
  readonly #free = new Map<number, Chunk[]>(SLAB_SIZES.map((bytes) => [bytes, []]));
  #allocatedBytes = 0;
  #inUse = 0;

  /** @param rowLimit messages per chunk at most: no chunk may hold more than a batch */
  constructor(
    readonly bufferBytes: number,
    readonly rowLimit: number = ROW_CAPACITY,
  ) {}

  get chunksInUse(): number {
    return this.#inUse;
  }

  /**
   * An empty chunk of the usual size, or larger if these capacities need it; undefined when the memory bound is
   * reached. A message larger than the whole bound is let through alone: refusing it would stop its partition for good.
   */
  acquire(valueBytes = 0, keyBytes = 0): Chunk | undefined {
    const keys = align8(Math.max(keyBytes, KEY_CAPACITY));
    const values = align8(Math.max(valueBytes, VALUE_CAPACITY));
    const bytes = layout(ROW_CAPACITY, keys, values).end;
    return this.#take({ bytes, rows: ROW_CAPACITY, keyBytes: keys, valueBytes: values });
  }

  /**
   * Moves the messages of consecutive chunks into one of the smallest size that holds them, and releases those.
   * @returns undefined if nothing was moved: it would free no memory, or none is left to do it
   */
  join(chunks: readonly Chunk[]): Chunk | undefined {
    let [bytes, rows, valueBytes, keyBytes] = [0, 0, 0, 0];
    for (const chunk of chunks) {
      bytes += chunk.byteLength;
      rows += chunk.rows;
      valueBytes += chunk.valueBytes;
      keyBytes += chunk.keyBytes;
    }
    const size = SIZES.find((size) => size.rows >= rows && size.valueBytes >= valueBytes && size.keyBytes >= keyBytes);
    if (size === undefined || size.bytes >= bytes || rows > this.rowLimit) return undefined;
    const joined = this.#take(size);
    if (joined === undefined) return undefined;
    for (const chunk of chunks) {
      joined.append(chunk);
      this.release(chunk);
    }
    return joined;
  }

  release(chunk: Chunk): void {
    assert(this.#inUse > 0, 'a chunk is released once');
    this.#inUse--;
    chunk.clear();
    const free = this.#free.get(chunk.byteLength);
    if (free !== undefined) free.push(chunk);
    else this.#allocatedBytes -= chunk.byteLength;
  }

  #take({ bytes, rows, valueBytes, keyBytes }: Capacities): Chunk | undefined {
    const free = this.#free.get(bytes)?.pop();
    if (free === undefined) {
      this.#makeRoom(bytes);
      if (this.#allocatedBytes + bytes > this.bufferBytes && this.#inUse > 0) return undefined;
      this.#allocatedBytes += bytes;
    }
    this.#inUse++;
    return free ?? new Chunk(this.rowLimit, valueBytes, keyBytes, rows);
  }

  /** Gives up free chunks of other sizes, smaller ones first: the usual ones are in demand for every fill. */
  #makeRoom(bytes: number): void {
    for (const [size, free] of this.#free) {
      while (this.#allocatedBytes + bytes > this.bufferBytes && free.pop() !== undefined) this.#allocatedBytes -= size;
    }
  }
}

export function bit(bits: Uint8Array, index: number): boolean {
  return ((bits[index >> 3] >> (index & 7)) & 1) === 1;
}

export function setBit(bits: Uint8Array, index: number, on: boolean): void {
  if (on) bits[index >> 3] |= 1 << (index & 7);
  else bits[index >> 3] &= ~(1 << (index & 7));
}
