import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  assert
} from "./chunk-OOJGYMCI.js";

// src/core/chunk.ts
var SLAB_BYTES = 1 << 20;
var SLAB_SIZES = [SLAB_BYTES >> 4, SLAB_BYTES >> 2, SLAB_BYTES];
var align8 = (bytes) => bytes + 7 & ~7;
function layout(rowCapacity, keyCapacity, valueCapacity) {
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
    end: values + valueCapacity
  };
}
function capacitiesOf(bytes) {
  const [rows, keyBytes] = [bytes >> 8, bytes >> 4];
  return { bytes, rows, keyBytes, valueBytes: bytes - layout(rows, keyBytes, 0).end };
}
var SIZES = SLAB_SIZES.map(capacitiesOf);
var { rows: ROW_CAPACITY, keyBytes: KEY_CAPACITY, valueBytes: VALUE_CAPACITY } = capacitiesOf(SLAB_BYTES);
var ChunkViews = class _ChunkViews {
  offsets;
  timestamps;
  valueOffsets;
  keyOffsets;
  valueValidity;
  keyValidity;
  keys;
  values;
  constructor(memory, rowCapacity, keyCapacity, valueCapacity) {
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
  static of(handle) {
    return new _ChunkViews(handle.memory, handle.rowCapacity, handle.keyCapacity, handle.valueCapacity);
  }
};
var Chunk = class {
  constructor(rowLimit = ROW_CAPACITY, valueCapacity = VALUE_CAPACITY, keyCapacity = KEY_CAPACITY, rowCapacity = ROW_CAPACITY) {
    this.valueCapacity = valueCapacity;
    this.keyCapacity = keyCapacity;
    this.rowCapacity = rowCapacity;
    this.rowLimit = Math.min(rowLimit, rowCapacity);
    this.memory = new SharedArrayBuffer(layout(rowCapacity, keyCapacity, valueCapacity).end);
    this.views = new ChunkViews(this.memory, rowCapacity, keyCapacity, valueCapacity);
  }
  valueCapacity;
  keyCapacity;
  rowCapacity;
  memory;
  views;
  /** How many messages it may take: at most `rowCapacity`. */
  rowLimit;
  rows = 0;
  valueBytes = 0;
  keyBytes = 0;
  get byteLength() {
    return this.memory.byteLength;
  }
  clear() {
    this.rows = 0;
    this.valueBytes = 0;
    this.keyBytes = 0;
  }
  handle() {
    const { memory, rowCapacity, valueCapacity, keyCapacity, rows, valueBytes } = this;
    return { memory, rowCapacity, valueCapacity, keyCapacity, rows, valueBytes };
  }
  hasRoomFor(rows, valueBytes, keyBytes) {
    return this.rows + rows <= this.rowLimit && this.valueBytes + valueBytes <= this.valueCapacity && this.keyBytes + keyBytes <= this.keyCapacity;
  }
  /** Appends all messages of `other`, which must fit. For short runs: a long one is worth a chunk of its own. */
  append(other) {
    assert(this.hasRoomFor(other.rows, other.valueBytes, other.keyBytes), "the messages to append fit the chunk");
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
  truncate(nextOffset) {
    const { offsets, valueOffsets, keyOffsets } = this.views;
    while (this.rows > 0 && offsets[this.rows - 1] >= nextOffset) this.rows--;
    this.valueBytes = valueOffsets[this.rows];
    this.keyBytes = keyOffsets[this.rows];
  }
};
var ChunkPool = class {
  /** @param rowLimit messages per chunk at most: no chunk may hold more than a batch */
  constructor(bufferBytes, rowLimit = ROW_CAPACITY) {
    this.bufferBytes = bufferBytes;
    this.rowLimit = rowLimit;
  }
  bufferBytes;
  rowLimit;
  /** Chunks that are not in use, by their bytes; larger ones than the usual are not kept. */
  #free = new Map(SLAB_SIZES.map((bytes) => [bytes, []]));
  #allocatedBytes = 0;
  #inUse = 0;
  get chunksInUse() {
    return this.#inUse;
  }
  /**
   * An empty chunk of the usual size, or larger if these capacities need it; undefined when the memory bound is
   * reached. A message larger than the whole bound is let through alone: refusing it would stop its partition for good.
   */
  acquire(valueBytes = 0, keyBytes = 0) {
    const keys = align8(Math.max(keyBytes, KEY_CAPACITY));
    const values = align8(Math.max(valueBytes, VALUE_CAPACITY));
    const bytes = layout(ROW_CAPACITY, keys, values).end;
    return this.#take({ bytes, rows: ROW_CAPACITY, keyBytes: keys, valueBytes: values });
  }
  /**
   * Moves the messages of consecutive chunks into one of the smallest size that holds them, and releases those.
   * @returns undefined if nothing was moved: it would free no memory, or none is left to do it
   */
  join(chunks) {
    let [bytes, rows, valueBytes, keyBytes] = [0, 0, 0, 0];
    for (const chunk of chunks) {
      bytes += chunk.byteLength;
      rows += chunk.rows;
      valueBytes += chunk.valueBytes;
      keyBytes += chunk.keyBytes;
    }
    const size = SIZES.find((size2) => size2.rows >= rows && size2.valueBytes >= valueBytes && size2.keyBytes >= keyBytes);
    if (size === void 0 || size.bytes >= bytes || rows > this.rowLimit) return void 0;
    const joined = this.#take(size);
    if (joined === void 0) return void 0;
    for (const chunk of chunks) {
      joined.append(chunk);
      this.release(chunk);
    }
    return joined;
  }
  release(chunk) {
    assert(this.#inUse > 0, "a chunk is released once");
    this.#inUse--;
    chunk.clear();
    const free = this.#free.get(chunk.byteLength);
    if (free !== void 0) free.push(chunk);
    else this.#allocatedBytes -= chunk.byteLength;
  }
  #take({ bytes, rows, valueBytes, keyBytes }) {
    const free = this.#free.get(bytes)?.pop();
    if (free === void 0) {
      this.#makeRoom(bytes);
      if (this.#allocatedBytes + bytes > this.bufferBytes && this.#inUse > 0) return void 0;
      this.#allocatedBytes += bytes;
    }
    this.#inUse++;
    return free ?? new Chunk(this.rowLimit, valueBytes, keyBytes, rows);
  }
  /** Gives up free chunks of other sizes, smaller ones first: the usual ones are in demand for every fill. */
  #makeRoom(bytes) {
    for (const [size, free] of this.#free) {
      while (this.#allocatedBytes + bytes > this.bufferBytes && free.pop() !== void 0) this.#allocatedBytes -= size;
    }
  }
};
function bit(bits, index) {
  return (bits[index >> 3] >> (index & 7) & 1) === 1;
}
function setBit(bits, index, on) {
  if (on) bits[index >> 3] |= 1 << (index & 7);
  else bits[index >> 3] &= ~(1 << (index & 7));
}

export {
  ChunkViews,
  Chunk,
  ChunkPool,
  bit,
  setBit
};
//# sourceMappingURL=chunk-XC7MPS2P.js.map
