/**
 * Keys or values behind the frame of a registry, made into what the kernel reads: a chunk at a time, in memory that is
 * used again. One that cannot be read makes a row that the kernel rejects, which is then told by its real reason.
 */
import { bit } from '../core/chunk.js';
import type { QuarantinedMessage, SchemaRef, SchemaText } from '../core/flow.js';
import { type AvroProblem, appendJson, appendText, stoppedAt } from './avro-json.js';
import { parseAvroSchema } from './avro-schema.js';
import { FrameReader, frameBytes, notFramedAt, type PartColumn } from './frame.js';
import { appendBytes, appendUnreadable, jsonBytes, jsonEnd } from './json-output.js';

/** Why a message cannot be read: a status, and the byte of the key or value, -1 if no byte is to blame. */
export type Unread = Pick<QuarantinedMessage, 'status' | 'position'>;

export interface FramedColumn {
  /** Begins a batch. @param schemas of its keys or values, if they are needed to read them */
  begin(schemas: readonly SchemaText[]): void;
  /**
   * The column of the batch's chunk of this number without frames; valid until the next call, or the next `beginJson`,
   * which comes before it.
   */
  read(column: PartColumn, rows: number, number: number): Omit<PartColumn, 'validity'>;
  /** Why a row that the kernel rejects cannot be read; undefined if the kernel says it. */
  reason(number: number, row: number): Unread | undefined;
  /** Whether a byte of what the kernel reads is the same byte of the column. */
  readonly keepsPositions: boolean;
  /** Those that the column names since `begin`: all that could be read, and no more than 1,000 others. */
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

/** A chunk's bytes in memory of this thread: single ones are slow to read from shared memory. */
class PlainBytes {
  #bytes = Buffer.alloc(0);

  of(bytes: Uint8Array, length: number): Buffer {
    if (this.#bytes.length < length) this.#bytes = Buffer.allocUnsafeSlow(length);
    // As kernel-instance.ts copies: `set` is slow from shared memory.
    if (length > 0) this.#bytes.fill(bytes.subarray(0, length), 0, length);
    return this.#bytes;
  }
}

/** Damaged messages can name any number of ids. */
const KEPT_IDS = 1000;

const [BLANK, NUL] = [0x20, 0];

/** JSON values behind a frame: blanks take its place, so that each byte stays where it is. */
export class FramedJson implements FramedColumn {
  readonly keepsPositions = true;
  schemaIds = new Set<number>();
  readonly #frames = new FrameReader();
  /** Of GUIDs. */
  #ids = new Map<SchemaRef, number | undefined>();
  #unread = new UnreadRows();
  readonly #plain = new PlainBytes();

  begin(schemas: readonly SchemaText[]): void {
    this.schemaIds = new Set();
    this.#ids = new Map(schemas.map(({ ref, id }) => [ref, id]));
    this.#unread = new UnreadRows();
  }

  read({ bytes: shared, offsets, validity }: PartColumn, rows: number, number: number) {
    const bytes = this.#plain.of(shared, offsets[rows]);
    let last: SchemaRef | undefined;
    for (let row = 0, start = 0; row < rows; row++) {
      const end = offsets[row + 1];
      const ref = this.#frames.refOf(bytes, start, end);
      if (ref !== undefined) {
        for (let at = start, to = start + frameBytes(ref); at < to; at++) bytes[at] = BLANK;
        if (ref !== last) this.#note(ref);
        last = ref;
      } else if (bit(validity, row)) {
        this.#unread.add(number, row, notFramed(bytes, start, end));
        // No JSON begins so.
        if (end > start) bytes[start] = NUL;
      }
      start = end;
    }
    return { bytes, offsets };
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
const KEPT_SCHEMAS = 1000;

/** Appends what is behind a frame to the text at hand. @returns the problem: then nothing is added */
type Append = (bytes: Uint8Array, start: number, end: number) => AvroProblem | undefined;

interface KnownSchema {
  readonly id: number | undefined;
  /** Undefined if it cannot be used. */
  readonly append: Append | undefined;
}

/** What is behind a frame, written anew: after what json-output.ts has of the chunk already. */
export class FramedAnew implements FramedColumn {
  readonly keepsPositions = false;
  schemaIds = new Set<number>();
  readonly #appendOf: (schema: SchemaText) => Append | undefined;
  readonly #appendUnknown: Append | undefined;
  readonly #frames = new FrameReader();
  #unread = new UnreadRows();
  readonly #known = new Map<SchemaRef, KnownSchema>();
  readonly #plain = new PlainBytes();

  /**
   * @param appendOf how to read what a schema is of
   * @param appendUnknown how to read what is of another one, if that is possible
   */
  constructor(appendOf: (schema: SchemaText) => Append | undefined, appendUnknown?: Append) {
    this.#appendOf = appendOf;
    this.#appendUnknown = appendUnknown;
  }

  begin(schemas: readonly SchemaText[]): void {
    this.schemaIds = new Set();
    this.#unread = new UnreadRows();
    if (this.#known.size > KEPT_SCHEMAS) this.#known.clear();
    for (const schema of schemas) {
      // One that could not be used may have come since.
      if (this.#known.get(schema.ref)?.append !== undefined) continue;
      this.#known.set(schema.ref, { id: schema.id, append: this.#appendOf(schema) });
    }
  }

  read({ bytes: shared, offsets: framed, validity }: PartColumn, rows: number, number: number) {
    const bytes = this.#plain.of(shared, framed[rows]);
    const offsets = new Int32Array(rows + 1);
    offsets[0] = jsonEnd();
    let last: SchemaRef | undefined;
    let append: Append | undefined;
    for (let row = 0, start = 0; row < rows; row++) {
      const end = framed[row + 1];
      const ref = this.#frames.refOf(bytes, start, end);
      if (ref !== last) {
        append = ref === undefined ? undefined : this.#note(ref);
        last = ref;
      }
      if (append !== undefined) {
        const status = append(bytes, start + frameBytes(ref!), end);
        if (status !== undefined) {
          this.#add(number, row, { status, position: status === 'malformed' ? stoppedAt() - start : -1 });
        }
      } else if (bit(validity, row)) {
        this.#add(number, row, ref === undefined ? notFramed(bytes, start, end) : UNKNOWN_SCHEMA);
      }
      offsets[row + 1] = jsonEnd();
      start = end;
    }
    return { bytes: jsonBytes(), offsets };
  }

  reason(number: number, row: number): Unread | undefined {
    return this.#unread.get(number, row);
  }

  #add(number: number, row: number, unread: Unread): void {
    this.#unread.add(number, row, unread);
    appendUnreadable();
  }

  #note(ref: SchemaRef): Append | undefined {
    const known = this.#known.get(ref);
    const id = known?.id ?? (typeof ref === 'number' ? ref : undefined);
    if (id !== undefined && (known?.append !== undefined || this.schemaIds.size < KEPT_IDS)) this.schemaIds.add(id);
    return known === undefined ? this.#appendUnknown : known.append;
  }
}

const UNKNOWN_SCHEMA: Unread = { status: 'unknown_schema', position: -1 };

/** Avro, as JSON. @param isText a string is its text alone */
export function framedAvro(isText = false): FramedColumn {
  const append = isText ? appendText : appendJson;
  return new FramedAnew(({ text, references }) => {
    if (text === undefined) return undefined;
    const type = parseAvroSchema(text, references);
    return (bytes, start, end) => append(type, bytes, start, end);
  });
}

/** JSON as it is, for a column of all of a key: no blank comes before it. */
export function framedJsonKeys(): FramedColumn {
  return new FramedAnew(() => appendBytes, appendBytes);
}
