/**
 * Values behind the frame of a registry, made into what the kernel reads: a chunk at a time, in memory that is used
 * again. A message that cannot be read stays as a row that the kernel rejects, which is then told by its real reason.
 */
import { bit, ChunkViews } from '../core/chunk.js';
import type { ChunkHandle, QuarantinedMessage, SchemaRef, SchemaText } from '../core/flow.js';
import { appendJson, stoppedAt } from './avro-json.js';
import { type AvroType, parseAvroSchema } from './avro-schema.js';
import { FrameReader, frameBytes, notFramedAt } from './frame.js';
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

function notFramed(bytes: Uint8Array, start: number, end: number): Unread {
  return { status: 'not_framed', position: notFramedAt(bytes, start, end) };
}

/** Damaged messages can name any number of ids. */
const KEPT_IDS = 1000;

const [BLANK, NUL] = [0x20, 0];

/** JSON behind a frame: blanks take its place, so that each byte stays where it is. */
export class FramedJson implements FramedValues {
  readonly keepsPositions = true;
  schemaIds = new Set<number>();
  readonly #frames = new FrameReader();
  /** Of GUIDs. */
  #ids = new Map<SchemaRef, number | undefined>();
  #unread = new UnreadRows();
  #bytes = Buffer.alloc(0);

  begin(schemas: readonly SchemaText[]): void {
    this.schemaIds = new Set();
    this.#ids = new Map(schemas.map(({ ref, id }) => [ref, id]));
    this.#unread = new UnreadRows();
  }

  read(chunk: ChunkHandle, number: number): ChunkViews {
    const views = ChunkViews.of(chunk);
    const { values, valueOffsets } = views;
    if (this.#bytes.length < chunk.valueBytes) this.#bytes = Buffer.allocUnsafeSlow(chunk.valueBytes);
    // As kernel-instance.ts copies: `set` is slow from shared memory.
    if (chunk.valueBytes > 0) this.#bytes.fill(values.subarray(0, chunk.valueBytes), 0, chunk.valueBytes);
    const bytes = this.#bytes;
    let last: SchemaRef | undefined;
    for (let row = 0, start = 0; row < chunk.rows; row++) {
      const end = valueOffsets[row + 1];
      const ref = this.#frames.refOf(bytes, start, end);
      if (ref !== undefined) {
        for (let at = start, to = start + frameBytes(ref); at < to; at++) bytes[at] = BLANK;
        if (ref !== last) this.#note(ref);
        last = ref;
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

  #note(ref: SchemaRef): void {
    const id = typeof ref === 'number' ? ref : this.#ids.get(ref);
    if (id !== undefined && this.schemaIds.size < KEPT_IDS) this.schemaIds.add(id);
  }
}

/** Schemas of ids that are kept: more than a topic has in use. */
const KEPT_TYPES = 1000;

interface KnownType {
  readonly id: number | undefined;
  /** Undefined if it cannot be used. */
  readonly type: AvroType | undefined;
}

/** Avro behind a frame, as JSON. */
export class FramedAvro implements FramedValues {
  readonly keepsPositions = false;
  schemaIds = new Set<number>();
  readonly #frames = new FrameReader();
  #unread = new UnreadRows();
  readonly #known = new Map<SchemaRef, KnownType>();
  #bytes = Buffer.alloc(0);

  begin(schemas: readonly SchemaText[]): void {
    this.schemaIds = new Set();
    this.#unread = new UnreadRows();
    if (this.#known.size > KEPT_TYPES) this.#known.clear();
    for (const { ref, id, text, references } of schemas) {
      if (this.#known.has(ref)) continue;
      this.#known.set(ref, { id, type: text === undefined ? undefined : parseAvroSchema(text, references) });
    }
  }

  read(chunk: ChunkHandle, number: number): ChunkViews {
    const views = ChunkViews.of(chunk);
    if (this.#bytes.length < chunk.valueBytes) this.#bytes = Buffer.allocUnsafeSlow(chunk.valueBytes);
    if (chunk.valueBytes > 0) this.#bytes.fill(views.values.subarray(0, chunk.valueBytes), 0, chunk.valueBytes);
    const bytes = this.#bytes;
    const valueOffsets = new Int32Array(chunk.rows + 1);
    let last: SchemaRef | undefined;
    let type: AvroType | undefined;
    beginJson();
    for (let row = 0, start = 0; row < chunk.rows; row++) {
      const end = views.valueOffsets[row + 1];
      const ref = this.#frames.refOf(bytes, start, end);
      if (ref !== last) {
        type = ref === undefined ? undefined : this.#typeOf(ref);
        last = ref;
      }
      if (type !== undefined) {
        const status = appendJson(type, bytes, start + frameBytes(ref!), end);
        if (status !== undefined) {
          const position = status === 'malformed' ? stoppedAt() - start : -1;
          this.#unread.add(number, row, { status, position });
        }
      } else if (bit(views.valueValidity, row)) {
        const unread = ref === undefined ? notFramed(bytes, start, end) : UNKNOWN_SCHEMA;
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

  #typeOf(ref: SchemaRef): AvroType | undefined {
    const { id, type } = this.#known.get(ref) ?? { id: typeof ref === 'number' ? ref : undefined, type: undefined };
    if (id !== undefined && (type !== undefined || this.schemaIds.size < KEPT_IDS)) this.schemaIds.add(id);
    return type;
  }
}

const UNKNOWN_SCHEMA: Unread = { status: 'unknown_schema', position: -1 };
