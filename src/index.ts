/**
 * The library: change events to Arrow in a program of one's own, as `sluice run` reads them. docs/library.md shows how.
 * It loads no native code, and has only what is exported here.
 */
import { Table, tableToIPC } from 'apache-arrow';
import { Chunk, setBit } from './core/chunk.js';
import { SluiceError } from './core/errors.js';
import type { Kernel as BatchKernel } from './kernel/kernel.js';
import { openKernel } from './kernel/kernel-file.js';
import { arrowSchema } from './schema/arrow.js';
import { loadSpec } from './schema/load-spec.js';
import type { TableSpec } from './schema/spec.js';

/** A checked table spec, made by `readSpec`. */
export interface Spec {
  readonly table: string;
  readonly view: string;
  readonly columns: readonly { readonly name: string; readonly kind: string; readonly required: boolean }[];
}

/** A message of Kafka. */
export interface Message {
  /** JSON in UTF-8; null is a tombstone. */
  readonly value: Uint8Array | null;
  /** JSON in UTF-8, for specs with paths into the key; default null. */
  readonly key?: Uint8Array | null;
  /** Column kafka_offset; default the message's place in the array. */
  readonly offset?: bigint;
  /** Column kafka_timestamp, milliseconds since the epoch; default none. */
  readonly timestamp?: bigint;
}

export interface KernelOptions {
  /** Decimal text: `is_high_value` is an amount above it; default 1000. */
  readonly highValueThreshold?: string;
  /** `is_late` is an event time so many milliseconds before the message's timestamp; default 10 minutes. */
  readonly lateAfterMs?: number;
  /** For a spec with the mask `hmac`: 32 to 64 bytes, as in MASK_KEY_FILE. */
  readonly maskKey?: Uint8Array;
}

/** A message that is no row. */
export interface Rejected {
  /** Its place in the array that was read. */
  readonly message: number;
  /** Why: malformed, not_object, missing_required, too_large or kernel_trap. docs/queries.md says what they mean. */
  readonly status: string;
  /** The byte of the value where it stops being acceptable, -1 if no byte is to blame. */
  readonly position: number;
  /** Of missing_required: the first column without a value. */
  readonly column: string | undefined;
}

export interface Rows {
  /** The rows as an Arrow IPC stream, in the order of the messages. Any Arrow library reads it. */
  readonly arrow: Uint8Array;
  readonly rows: number;
  readonly rejected: readonly Rejected[];
  /** Messages with a null value, which are no rows. */
  readonly tombstones: number;
}

const DEFAULTS = { highValueThreshold: '1000', lateAfterMs: 600_000 };
/** What a kernel's memory is laid out for; more is read in parts. */
const BATCH_ROWS = 65_536;
const BATCH_BYTES = 32 << 20;
/** Offsets into the values of a call are of 32 bits. */
const MAX_BYTES = 2 ** 31 - 1;

/**
 * Reads and checks a table spec.
 * @param file path of a JSON file, or `preset:NAME`; `sluice spec --list` has the names
 * @throws Error with `code` SLUICE_CONFIG, which names each problem
 */
export function readSpec(file: string): Spec {
  return loadSpec(file);
}

/** Reads messages into columns, in WebAssembly, on the thread that calls it. */
export class Kernel {
  readonly #spec: TableSpec;
  readonly #kernel: BatchKernel;

  /**
   * @throws Error with `code` SLUICE_KERNEL if the package lacks its WebAssembly, SLUICE_CONFIG without a key for masks
   */
  constructor(spec: Spec, options: KernelOptions = {}) {
    this.#spec = spec as TableSpec;
    const sizes = { batchRows: BATCH_ROWS, batchBytes: BATCH_BYTES };
    this.#kernel = openKernel(this.#spec, { ...DEFAULTS, ...options, ...sizes });
  }

  /**
   * Reads the messages of one partition. A message that cannot be read is in `rejected` and throws nothing.
   * @param partition column kafka_partition; default 0
   * @throws Error with `code` SLUICE_CONFIG if the values or the keys together have 2 GiB or more, SLUICE_KERNEL if
   * the kernel fails on more than single messages
   */
  read(messages: readonly Message[], partition = 0): Rows {
    const { recordBatches, rejects, counts } = this.#kernel.read(partition, [chunkOf(messages).handle()]);
    const table = new Table(arrowSchema(this.#spec), [...recordBatches]);
    const rejected = rejects.map(({ row, status, position, column }) => ({ message: row, status, position, column }));
    return { arrow: tableToIPC(table, 'stream'), rows: table.numRows, rejected, tombstones: counts.tombstone };
  }
}

function chunkOf(messages: readonly Message[]): Chunk {
  const [valueBytes, keyBytes] = [bytesOf(messages, 'value'), bytesOf(messages, 'key')];
  const rowCapacity = (messages.length + 8) & ~7;
  const chunk = new Chunk(rowCapacity, valueBytes, keyBytes, rowCapacity);
  const { views } = chunk;
  for (const [row, { value, key = null, offset = BigInt(row), timestamp = -1n }] of messages.entries()) {
    views.offsets[row] = offset;
    views.timestamps[row] = timestamp;
    setBit(views.valueValidity, row, value !== null);
    setBit(views.keyValidity, row, key !== null);
    if (value !== null) views.values.set(value, chunk.valueBytes);
    if (key !== null) views.keys.set(key, chunk.keyBytes);
    chunk.valueBytes += value?.length ?? 0;
    chunk.keyBytes += key?.length ?? 0;
    views.valueOffsets[row + 1] = chunk.valueBytes;
    views.keyOffsets[row + 1] = chunk.keyBytes;
  }
  chunk.rows = messages.length;
  return chunk;
}

function bytesOf(messages: readonly Message[], part: 'value' | 'key'): number {
  let bytes = 0;
  for (const message of messages) bytes += message[part]?.length ?? 0;
  if (bytes > MAX_BYTES)
    throw new SluiceError('SLUICE_CONFIG', `the messages have ${bytes} bytes of ${part}s: read fewer at once`);
  return bytes;
}
