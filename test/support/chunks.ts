/** Chunks made from, and read back as, plain messages. */
import { bit, Chunk, setBit } from '../../src/core/chunk.js';

export interface PlainMessage {
  offset: number;
  timestamp: number;
  key: string | null;
  value: string | null;
}

/** Writes messages into an empty chunk. */
export function fillChunk(chunk: Chunk, messages: readonly PlainMessage[]): Chunk {
  const { offsets, timestamps, values, valueOffsets, valueValidity, keys, keyOffsets, keyValidity } = chunk.views;
  for (const [row, { offset, timestamp, key, value }] of messages.entries()) {
    offsets[row] = BigInt(offset);
    timestamps[row] = BigInt(timestamp);
    const valueBytes = Buffer.from(value ?? '');
    const keyBytes = Buffer.from(key ?? '');
    values.set(valueBytes, chunk.valueBytes);
    keys.set(keyBytes, chunk.keyBytes);
    chunk.valueBytes += valueBytes.length;
    chunk.keyBytes += keyBytes.length;
    valueOffsets[row + 1] = chunk.valueBytes;
    keyOffsets[row + 1] = chunk.keyBytes;
    setBit(valueValidity, row, value !== null);
    setBit(keyValidity, row, key !== null);
  }
  chunk.rows = messages.length;
  return chunk;
}

/** The messages of a chunk, in order. */
export function messagesOf(chunk: Chunk): PlainMessage[] {
  const { offsets, timestamps, values, valueOffsets, valueValidity, keys, keyOffsets, keyValidity } = chunk.views;
  const text = (bytes: Uint8Array, at: Int32Array, row: number) =>
    Buffer.from(bytes.slice(at[row], at[row + 1])).toString();
  return Array.from({ length: chunk.rows }, (_, row) => ({
    offset: Number(offsets[row]),
    timestamp: Number(timestamps[row]),
    key: bit(keyValidity, row) ? text(keys, keyOffsets, row) : null,
    value: bit(valueValidity, row) ? text(values, valueOffsets, row) : null,
  }));
}

/** A chunk of values as they are, of which null is a tombstone, with these keys or without. */
export function chunkOfValues(
  values: readonly (Uint8Array | null)[],
  startOffset = 0,
  keys: readonly (Uint8Array | null)[] = [],
): Chunk {
  const chunk = new Chunk();
  const { views } = chunk;
  for (const [row, value] of values.entries()) {
    const key = keys[row] ?? null;
    if (value !== null) views.values.set(value, chunk.valueBytes);
    if (key !== null) views.keys.set(key, chunk.keyBytes);
    chunk.valueBytes += value?.length ?? 0;
    chunk.keyBytes += key?.length ?? 0;
    views.valueOffsets[row + 1] = chunk.valueBytes;
    views.keyOffsets[row + 1] = chunk.keyBytes;
    views.offsets[row] = BigInt(startOffset + row);
    setBit(views.valueValidity, row, value !== null);
    setBit(views.keyValidity, row, key !== null);
  }
  chunk.rows = values.length;
  return chunk;
}
