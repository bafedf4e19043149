/**
 * The frame of a value whose schema is in a registry, as Confluent's serializers write it:
 *
 *   0 │ schema id i32, big endian │ the value itself
 */
import { bit, ChunkViews } from '../core/chunk.js';
import type { ChunkHandle } from '../core/flow.js';

export const FRAME_BYTES = 5;
const MAGIC = 0;

/** The schema id of the value at [start, end); -1 if it has no frame. Registries give no ids of 2^31 or more. */
export function schemaIdOf(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < FRAME_BYTES || bytes[start] !== MAGIC) return -1;
  const id = (bytes[start + 1] << 24) | (bytes[start + 2] << 16) | (bytes[start + 3] << 8) | bytes[start + 4];
  return id < 0 ? -1 : id;
}

/** The schema ids of the messages of chunks, each once, in order. */
export function schemaIdsOf(chunks: readonly ChunkHandle[]): number[] {
  const ids = new Set<number>();
  let last = -1;
  for (const chunk of chunks) {
    const { values, valueOffsets, valueValidity } = ChunkViews.of(chunk);
    for (let row = 0, start = valueOffsets[0]; row < chunk.rows; row++) {
      const end = valueOffsets[row + 1];
      const id = schemaIdOf(values, start, end);
      if (id !== last && id !== -1 && bit(valueValidity, row)) {
        ids.add(id);
        last = id;
      }
      start = end;
    }
  }
  return [...ids].sort((one, other) => one - other);
}
