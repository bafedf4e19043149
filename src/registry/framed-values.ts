/**
 * Values behind the frame of a registry, made into what the kernel reads: a chunk at a time, in memory that is used
 * again. A message that cannot be read stays as a row that the kernel rejects, which is then told by its real reason.
 */
import { bit, ChunkViews } from '../core/chunk.js';
import type { ChunkHandle, QuarantinedMessage, SchemaText } from '../core/flow.js';
import { appendJson, stoppedAt } from './avro-json.js';
import { type AvroType, parseAvroSchema } from './avro-schema.js';
import { FRAME_BYTES, schemaIdOf } from './frame.js';
import { beginJson, jsonBytes, jsonEnd } from './json-output.js';

/** Why a message cannot be read: a status, and the byte of the value, -1 if no byte is to blame. */
export type Unread = Pick<QuarantinedMessage, 'status' | 'position'>;

export interface FramedValues {
  /** Begins a batch. @param schemas of its messages, if they are needed to read them */
  begin(schemas: readonly SchemaText[]): void;
  /** The values of the batch's chunk of this number without frames; valid until the next call. */
  read(chunk: ChunkHandle, number: number): ChunkViews;
  /** Why a row that the kernel rejects cannot be read; undefined if the kernel says it. */
  reason(number: number, row: number): Unread | undefined;
  /** Whether a byte of what the kernel reads is the same byte of the value. */
  readonly keepsPositions: boolean;
  /** Those that the messages since `begin` name: all that could be read, and no more than 1,000 others. */
  readonly schemaIds: ReadonlySet<number>;
}

/** Rows that cannot be read, by chunk and row. */
class UnreadRows {
  readonly #rows = new Map<number, Map<number, Unread>>();

  add(chunk: number, row: number, unread: Unread): void {
    const rows = this.#rows.get(chunk) ?? new Map<number, Unread>();
    this.#rows.set(chunk, rows.set(row, unread));
  }

  get(chunk: number, row: number): Unread | undefined {
    return this.#rows.get(chunk)?.get(row);
  }
}

/** The first byte or the id is wrong, or there are too few. */
function notFramed(bytes: Uint8Array, start: number, end: number): Unread {
  const isWrong = end > start && bytes[start] !== 0;
  return { status: 'not_framed', position: isWrong ? 0 : end - start < FRAME_BYTES ? -1 : 1 };
}

/** Damaged messages can name any number of ids. */
const KEPT_IDS = 1000;

const [BLANK, NUL] = [0x20, 0];

/** JSON behind a frame: blanks take its place, so that each byte stays where it is. */
export class FramedJson implements FramedValues {
  readonly keepsPositions = true;
  schemaIds = new Set<number>();
  #unread = new UnreadRows();
  #bytes = Buffer.alloc(0);

  begin(): void {
    this.schemaIds = new Set();
    this.#unread = new UnreadRows();
  }

  read(chunk: ChunkHandle, number: number): ChunkViews {
    const views = ChunkViews.of(chunk);
    const { values, valueOffsets } = views;
    if (this.#bytes.length < chunk.valueBytes) this.#bytes = Buffer.allocUnsafeSlow(chunk.valueBytes);
    // As kernel-instance.ts copies: `set` is slow from shared memory.
    if (chunk.valueBytes > 0) this.#bytes.fill(values.subarray(0, chunk.valueBytes), 0, chunk.valueBytes);
    const bytes = this.#bytes;
    let last = -1;
    for (let row = 0, start = 0; row < chunk.rows; row++) {
      const end = valueOffsets[row + 1];
      const id = schemaIdOf(bytes, start, end);
      if (id !== -1) {
        for (let at = start; at < start + FRAME_BYTES; at++) bytes[at] = BLANK;
        if (id !== last && this.schemaIds.size < KEPT_IDS) this.schemaIds.add(id);
        last = id;
      } else if (bit(views.valueValidity, row)) {
        this.#unread.add(number, row, notFramed(bytes, start, end));
        // No JSON begins so.
        if (end > start) bytes[start] = NUL;
      }
      start = end;
    }
    return { ...views, values: bytes };
  }

  reason(number: number, row: number): Unread | undefined {
    return this.#unread.get(number, row);
  }
}

/** Schemas of ids that are kept: more than a topic has in use. */
const KEPT_TYPES = 1000;

/** Avro behind a frame, as JSON. */
export class FramedAvro implements FramedValues {
  readonly keepsPositions = false;
  schemaIds = new Set<number>();
  #unread = new UnreadRows();
  /** By id; undefined if it cannot be used. */
  readonly #types = new Map<number, AvroType | undefined>();
  #bytes = Buffer.alloc(0);

  begin(schemas: readonly SchemaText[]): void {
    this.schemaIds = new Set();
    this.#unread = new UnreadRows();
    if (this.#types.size > KEPT_TYPES) this.#types.clear();
    for (const { id, text, references } of schemas) {
      if (this.#types.has(id)) continue;
      this.#types.set(id, text === undefined ? undefined : parseAvroSchema(text, references));
    }
  }

  read(chunk: ChunkHandle, number: number): ChunkViews {
    const views = ChunkViews.of(chunk);
    if (this.#bytes.length < chunk.valueBytes) this.#bytes = Buffer.allocUnsafeSlow(chunk.valueBytes);
    if (chunk.valueBytes > 0) this.#bytes.fill(views.values.subarray(0, chunk.valueBytes), 0, chunk.valueBytes);
    const bytes = this.#bytes;
    const valueOffsets = new Int32Array(chunk.rows + 1);
    let last = -1;
    let type: AvroType | undefined;
    beginJson();
    for (let row = 0, start = 0; row < chunk.rows; row++) {
      const end = views.valueOffsets[row + 1];
      const id = schemaIdOf(bytes, start, end);
      if (id !== last) {
        type = this.#types.get(id);
        if (type !== undefined || (id !== -1 && this.schemaIds.size < KEPT_IDS)) this.schemaIds.add(id);
        last = id;
      }
      if (type !== undefined) {
        const status = appendJson(type, bytes, start + FRAME_BYTES, end);
        if (status !== undefined) {
          const position = status === 'malformed' ? stoppedAt() - start : -1;
          this.#unread.add(number, row, { status, position });
        }
      } else if (bit(views.valueValidity, row)) {
        const unread = id === -1 ? notFramed(bytes, start, end) : UNKNOWN_SCHEMA;
        this.#unread.add(number, row, unread);
      }
      valueOffsets[row + 1] = jsonEnd();
      start = end;
    }
    return { ...views, values: jsonBytes(), valueOffsets };
  }

  reason(number: number, row: number): Unread | undefined {
    return this.#unread.get(number, row);
  }
}

const UNKNOWN_SCHEMA: Unread = { status: 'unknown_schema', position: -1 };
