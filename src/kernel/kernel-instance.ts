/**
 * One instance of the WASM module: its memory, and the typed views through which chunks go in and columns come out.
 */
import { Data, type DataType, makeData, RecordBatch, type Schema, Struct } from 'apache-arrow';
import type { ChunkViews } from '../core/chunk.js';
import { assert, SluiceError } from '../core/errors.js';
import { type FailedExpectation, type QuarantinedMessage, STATUSES, type Status } from '../core/flow.js';
import { type StringForms, stringForms } from '../core/string-forms.js';
import { arrowSchema } from '../schema/arrow.js';
import { type RowCheck, rowChecks } from '../schema/expectations.js';
import { hasOffsets, type TableSpec } from '../schema/spec.js';
import { ABI_VERSION, COLUMN, HEADER, KEY_EXTRA_BYTES, REJECT, RESULTS, STATUS } from './abi.js';
import { COLUMN_LAYOUTS } from './column-layout.js';
import { FailedChecks } from './failed-checks.js';
import { type FlagOptions, writeIssueBits, writeTables } from './memory-map.js';
import {
  type ColumnRegion,
  type KernelLimits,
  MAX_MEMORY_BYTES,
  type MemoryMap,
  memoryMap,
  PAGE_BYTES,
} from './regions.js';
import { KernelTrap } from './traps.js';
import { wordBytes } from './word-table.js';

/** A message that is no row. */
export interface Reject {
  /** Index into the chunks that were read, and row of that chunk. */
  readonly chunk: number;
  readonly row: number;
  readonly status: QuarantinedMessage['status'];
  /** Byte of the value where it stops being acceptable, -1 if no byte is to blame. */
  readonly position: number;
  /** Of `missing_required`: the first column without a value. Of `expectation`: its column. */
  readonly column: string | undefined;
  /** Of `expectation`: the first that fails. */
  readonly expectation?: string;
}

export interface KernelOutput {
  /** Rows of status ok, in order; one batch as a rule, several if text columns would not fit. */
  readonly recordBatches: readonly RecordBatch[];
  readonly rejects: readonly Reject[];
  readonly counts: Readonly<Record<Status, number>>;
  readonly rowsLate: number;
  readonly rowsWithIssues: number;
  readonly rowsHighValue: number;
  /** Rows that the speculative path read. */
  readonly rowsLearned: number;
  /** The expectations that rows or rejected messages fail, in the order of the spec. */
  readonly failedExpectations: readonly FailedExpectation[];
  /** Microseconds since the epoch. */
  readonly maxEventTime: bigint | undefined;
  /** 0 if there is no row. */
  readonly minChangeSeq: bigint;
  readonly maxChangeSeq: bigint;
  /** What the kernel trapped with before the messages were read in spite of it. */
  readonly trap: string | undefined;
}

interface Exports {
  abiVersion(): number;
  begin(): void;
  readChunk(count: number): void;
  stringForms(offsets: number, bytes: number, rows: number, address: bigint, forms: number): void;
}

/** What the instances of one `read` produced. */
export class Results {
  readonly recordBatches: RecordBatch[] = [];
  readonly rejects: Reject[] = [];
  readonly counts = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<Status, number>;
  rowsLate = 0;
  rowsWithIssues = 0;
  rowsHighValue = 0;
  rowsLearned = 0;
  maxEventTime: bigint | undefined;
  minChangeSeq: bigint | undefined;
  maxChangeSeq = 0n;
  trap: string | undefined;
  readonly failed = new FailedChecks();

  output(): KernelOutput {
    const { failed, ...results } = this;
    return { ...results, failedExpectations: failed.list(), minChangeSeq: this.minChangeSeq ?? 0n };
  }
}

const NO_EVENT_TIME = -(2n ** 63n);

/** By their code; the host has more, of messages that it does not give to the kernel. */
const KERNEL_STATUSES = Object.keys(STATUS) as (keyof typeof STATUS)[];

/** @throws SluiceError SLUICE_KERNEL if the module was built from another description of the memory than this code */
function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Exports {
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Partial<Exports>;
  const version = exports.abiVersion === undefined ? 'none' : exports.abiVersion() >>> 0;
  if (version === ABI_VERSION) return exports as Exports;
  throw new SluiceError(
    'SLUICE_KERNEL',
    'the WASM kernel in build/ is of another version than the program: ' +
      `its ABI version is ${version}, not ${ABI_VERSION}; run \`npm run build:wasm\` and \`npm run build:ts\``,
  );
}

/** Not in a browser. */
const HAS_BUFFER = typeof Buffer !== 'undefined';

/** One instance of the module, with memory for the given limits. */
export class KernelInstance {
  readonly #spec: TableSpec;
  readonly #limits: KernelLimits;
  readonly #wordBytes: number;
  readonly #memory: WebAssembly.Memory;
  readonly #map: MemoryMap;
  readonly #exports: Exports;
  readonly #schema: Schema;
  readonly #checks: readonly RowCheck[];
  readonly #view: DataView;
  readonly #bytes: Uint8Array;

  constructor(module: WebAssembly.Module, spec: TableSpec, limits: KernelLimits, flags: FlagOptions) {
    this.#spec = spec;
    this.#limits = limits;
    this.#wordBytes = wordBytes(spec);
    const { bytes } = memoryMap(spec, limits);
    assert(bytes <= MAX_MEMORY_BYTES, `the kernel's memory of ${bytes} bytes can be addressed`);
    const pages = Math.ceil(bytes / PAGE_BYTES);
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.#map = writeTables(this.#memory, spec, limits, flags);
    this.#exports = instantiate(module, this.#memory);
    this.#schema = arrowSchema(spec);
    this.#checks = rowChecks(spec);
    this.#view = new DataView(this.#memory.buffer);
    this.#bytes = HAS_BUFFER ? Buffer.from(this.#memory.buffer) : new Uint8Array(this.#memory.buffer);
  }

  /** As `useIssueBits` of kernel.ts. */
  useIssueBits(bits: readonly number[]): void {
    writeIssueBits(this.#view, bits);
  }

  begin(partition: number): void {
    this.#view.setInt32(HEADER.partition, partition, true);
    this.#exports.begin();
  }

  /**
   * Every byte of a message goes into one text column at most, and an amount's into its raw column; but our word for an
   * operation can be longer than the topic's.
   * @param keyBytes of the messages' keys
   */
  hasRoomFor(rows: number, valueBytes: number, keyBytes: number): boolean {
    if (this.#word(RESULTS.rows) + rows > this.#limits.batchRows) return false;
    const ofKeys = this.readsKeys ? keyBytes + rows * KEY_EXTRA_BYTES : 0;
    const bytes = valueBytes + ofKeys + rows * this.#wordBytes;
    return this.#map.columns.every(
      ({ type, record, times }) =>
        !hasOffsets(type) || this.#word(record + COLUMN.bytesUsed) + bytes * times <= this.#limits.columnBytes * times,
    );
  }

  /** Whether the spec has columns of what is in the messages' keys. */
  get readsKeys(): boolean {
    return this.#map.keyOffsets > 0;
  }

  /** Reads the messages [from, to) of a chunk, which must fit. @throws KernelTrap: then the instance is of no use */
  read(results: Results, chunk: number, views: ChunkViews, from: number, to: number): void {
    const { values, valueOffsets, valueValidity, kafkaOffsets, timestamps } = this.#map;
    const rows = to - from;
    const base = views.valueOffsets[from];
    const valueBytes = views.valueOffsets[to] - base;
    assert(rows <= this.#limits.chunkRows && valueBytes <= this.#limits.chunkBytes, 'the chunk fits');
    this.#copyIn(views.values.subarray(base, base + valueBytes), values);
    // Offsets and validity stay as they are: the kernel is told where the value at offset 0 and the first bit would be.
    this.#view.setUint32(HEADER.values, values - base, true);
    this.#view.setUint32(HEADER.validityShift, from & 7, true);
    this.#copyIn(views.valueOffsets.subarray(from, to + 1), valueOffsets);
    this.#copyIn(views.valueValidity.subarray(from >> 3, (to + 7) >> 3), valueValidity);
    this.#copyIn(views.offsets.subarray(from, to), kafkaOffsets);
    this.#copyIn(views.timestamps.subarray(from, to), timestamps);
    if (this.readsKeys) this.#copyKeysIn(views, from, to);
    try {
      this.#exports.readChunk(rows);
    } catch (cause) {
      throw new KernelTrap(cause);
    }
    this.#collectRejects(results, chunk, views, from);
  }

  /**
   * Adds the rows and counters to the results.
   * @param copy whether the record batch must outlive this instance's next `begin`
   */
  collect(results: Results, copy: boolean): void {
    const rows = this.#word(RESULTS.rows);
    results.rowsLate += this.#word(RESULTS.rowsLate);
    results.rowsWithIssues += this.#word(RESULTS.rowsWithIssues);
    results.rowsHighValue += this.#word(RESULTS.rowsHighValue);
    results.rowsLearned += this.#word(RESULTS.rowsLearned);
    for (const status of KERNEL_STATUSES) {
      results.counts[status] += this.#word(RESULTS.statusCounts + STATUS[status] * 4);
    }
    if (rows === 0) return;
    results.failed.collect(this.#view, this.#map, this.#checks);
    const eventTime = this.#view.getBigInt64(RESULTS.maxEventTime, true);
    if (eventTime !== NO_EVENT_TIME && (results.maxEventTime === undefined || eventTime > results.maxEventTime)) {
      results.maxEventTime = eventTime;
    }
    const [lowest, highest] = [RESULTS.minChangeSeq, RESULTS.maxChangeSeq].map((at) =>
      this.#view.getBigUint64(at, true),
    );
    if (results.minChangeSeq === undefined || lowest < results.minChangeSeq) results.minChangeSeq = lowest;
    if (highest > results.maxChangeSeq) results.maxChangeSeq = highest;
    const children = this.#map.columns.map((column, index) =>
      this.#columnData(column, this.#schema.fields[index].type, rows, copy),
    );
    const struct = makeData({ type: new Struct(this.#schema.fields), length: rows, children });
    results.recordBatches.push(new RecordBatch(this.#schema, struct));
  }

  /** As `stringForms` of string-forms.ts, which it calls for a column that is not in its memory. */
  readonly stringForms: StringForms = (column, from, rows, address) => {
    const { valueOffsets, values } = column;
    if (values.buffer !== this.#memory.buffer) return stringForms(column, from, rows, address);
    const { forms } = this.#map;
    this.#exports.stringForms(valueOffsets.byteOffset + from * 4, values.byteOffset, rows, address, forms);
    return this.#bytes.subarray(forms);
  };

  #copyKeysIn(views: ChunkViews, from: number, to: number): void {
    const { messageKeys, keyOffsets, keyValidity } = this.#map;
    const [base, end] = [views.keyOffsets[from], views.keyOffsets[to]];
    assert(end - base <= this.#limits.keyBytes, 'the keys of the chunk fit');
    this.#copyIn(views.keys.subarray(base, end), messageKeys);
    this.#view.setUint32(HEADER.keys, messageKeys - base, true);
    this.#copyIn(views.keyOffsets.subarray(from, to + 1), keyOffsets);
    this.#copyIn(views.keyValidity.subarray(from >> 3, (to + 7) >> 3), keyValidity);
  }

  /**
   * `set` reads shared memory by words, or even by bytes if they are not aligned; `fill` of a buffer copies it as any
   * other. In a browser chunks are not shared.
   */
  #copyIn({ buffer, byteOffset, byteLength }: Uint8Array | Int32Array | BigInt64Array, to: number): void {
    if (byteLength === 0) return;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    if (HAS_BUFFER) (this.#bytes as Buffer).fill(bytes, to, to + byteLength);
    else this.#bytes.set(bytes, to);
  }

  #collectRejects(results: Results, chunk: number, views: ChunkViews, from: number): void {
    const count = this.#word(RESULTS.rejectCount);
    const rejects: Reject[] = [];
    for (let index = 0, at = this.#map.rejects; index < count; index++, at += REJECT.size) {
      const status = KERNEL_STATUSES[this.#word(at + REJECT.status)] as Reject['status'];
      const place = this.#view.getInt32(at + REJECT.position, true);
      const row = from + this.#word(at + REJECT.row);
      if (status === 'expectation') {
        const { expectation, column } = this.#checks[place];
        rejects.push({ chunk, row, status, position: -1, column: column.name, expectation: expectation.name });
        results.failed.add(this.#checks[place], 1, Number(views.offsets[row]));
        continue;
      }
      const isColumn = status === 'missing_required';
      const column = isColumn ? this.#spec.columns[place].name : undefined;
      rejects.push({ chunk, row, status, position: isColumn ? -1 : place, column });
    }
    // The columns of a block tell later than what its rows lack.
    if (this.#checks.length > 0) rejects.sort((a, b) => a.row - b.row);
    for (const reject of rejects) results.rejects.push(reject);
  }

  #columnData(column: ColumnRegion, type: DataType, rows: number, copy: boolean): Data {
    const { data, offsets, validity, record } = column;
    const { buffer } = this.#memory;
    const keep = <T extends { slice(): T }>(view: T): T => (copy ? view.slice() : view);
    const nullBitmap = new Uint8Array(buffer, validity, validity === 0 ? 0 : (rows + 7) >> 3);
    const valueOffsets = offsets === 0 ? undefined : keep(new Int32Array(buffer, offsets, rows + 1));
    const values = COLUMN_LAYOUTS[column.type].view(buffer, data, rows, this.#word(record + COLUMN.bytesUsed));
    return new Data(type, 0, rows, this.#word(record + COLUMN.nulls), [valueOffsets, keep(values), keep(nullBitmap)]);
  }

  #word(at: number): number {
    return this.#view.getUint32(at, true);
  }
}
