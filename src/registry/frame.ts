/**
 * The frame of a key or a value whose schema is in a registry, as Confluent's serializers write it: before it, or in a
 * header of the message, from where the reader puts it there.
 *
 *   0 │ schema id i32, big endian │ the value itself
 *   1 │ schema GUID, 16 bytes     │ the value itself
 */
import { bit, ChunkViews } from '../core/chunk.js';
import type { ChunkHandle, SchemaRef } from '../core/flow.js';
import type { MessagePart } from './settings.js';

/** The header that may have the frame. */
export const SCHEMA_HEADERS: Readonly<Record<MessagePart, string>> = {
  value: '__value_schema_id',
  key: '__key_schema_id',
};

/** Keys, or values, of a chunk: of row i the bytes [offsets[i], offsets[i + 1]), none if its bit is 0. */
export interface PartColumn {
  readonly bytes: Uint8Array;
  readonly offsets: Int32Array;
  readonly validity: Uint8Array;
}

export function partColumn(views: ChunkViews, part: MessagePart): PartColumn {
  const { keys, keyOffsets, keyValidity, values, valueOffsets, valueValidity } = views;
  return part === 'key'
    ? { bytes: keys, offsets: keyOffsets, validity: keyValidity }
    : { bytes: values, offsets: valueOffsets, validity: valueValidity };
}

const [OF_ID, OF_GUID] = [0, 1];
const [ID_FRAME_BYTES, GUID_FRAME_BYTES] = [5, 17];
const GUID_GROUPS = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/;

/** Reads frames one after the other: messages that follow each other mostly have the same GUID. */
export class FrameReader {
  readonly #guid = Buffer.alloc(GUID_FRAME_BYTES);
  #guidText = '';

  /** What the value at [start, end) calls its schema; undefined if it has no frame. */
  refOf(bytes: Uint8Array, start: number, end: number): SchemaRef | undefined {
    if (bytes[start] === OF_ID && end - start >= ID_FRAME_BYTES) {
      const id = (bytes[start + 1] << 24) | (bytes[start + 2] << 16) | (bytes[start + 3] << 8) | bytes[start + 4];
      // Registries give no ids of 2^31 or more.
      return id < 0 ? undefined : id;
    }
    if (bytes[start] !== OF_GUID || end - start < GUID_FRAME_BYTES) return undefined;
    for (let at = 0; at < GUID_FRAME_BYTES; at++) {
      if (bytes[start + at] !== this.#guid[at]) {
        this.#guid.set(bytes.subarray(start, start + GUID_FRAME_BYTES));
        this.#guidText = this.#guid.toString('hex', 1).replace(GUID_GROUPS, '$1-$2-$3-$4-$5');
        break;
      }
    }
    return this.#guidText;
  }
}

/** Bytes of the frame that has this. */
export function frameBytes(ref: SchemaRef): number {
  return typeof ref === 'number' ? ID_FRAME_BYTES : GUID_FRAME_BYTES;
}

/** In messages for people. */
export function nameOf(ref: SchemaRef): string {
  return typeof ref === 'number' ? `schema id ${ref}` : `schema GUID ${ref}`;
}

/** The byte that shows that a value has no frame; -1 if it has too few. */
export function notFramedAt(bytes: Uint8Array, start: number, end: number): number {
  if (end > start && bytes[start] !== OF_ID && bytes[start] !== OF_GUID) return 0;
  return bytes[start] === OF_ID && end - start >= ID_FRAME_BYTES ? 1 : -1;
}

/** What keys or values of chunks call their schemas, each once: ids in order, then GUIDs. */
export function schemaRefsOf(chunks: readonly ChunkHandle[], part: MessagePart): SchemaRef[] {
  const frames = new FrameReader();
  const refs = new Set<SchemaRef>();
  let last: SchemaRef | undefined;
  for (const chunk of chunks) {
    const { bytes, offsets, validity } = partColumn(ChunkViews.of(chunk), part);
    for (let row = 0, start = offsets[0]; row < chunk.rows; row++) {
      const end = offsets[row + 1];
      const ref = frames.refOf(bytes, start, end);
      if (ref !== last && ref !== undefined && bit(validity, row)) {
        refs.add(ref);
        last = ref;
      }
      start = end;
    }
  }
  const ids = [...refs].filter((ref) => typeof ref === 'number').sort((one, other) => one - other);
  return [...ids, ...[...refs].filter((ref) => typeof ref === 'string').sort()];
}
