/** The kernel on the whole input, in the page's worker: what `sluice parse` does, with its results kept to be shown. */
import { type RecordBatch, Table, tableFromIPC } from 'apache-arrow';
import { MessageReader, type ReadChunk, readerOptions } from '../../src/commands/message-reader.js';
import { messageColumns, rowsOf } from '../../src/commands/message-rows.js';
import { type Delimiter, messagesOf, TOO_LARGE } from '../../src/commands/message-splitter.js';
import { SluiceError } from '../../src/core/errors.js';
import { STATUSES, type Status } from '../../src/core/flow.js';
import { Kernel } from '../../src/kernel/kernel.js';
import type { Reject } from '../../src/kernel/kernel-instance.js';
import { parquetBytes } from '../../src/parquet/parquet-bytes.js';
import { arrowSchema, toIpcStream } from '../../src/schema/arrow.js';
import { inferSpec } from '../../src/schema/infer.js';
import { specJson, type TableSpec } from '../../src/schema/spec.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import type { EngineCalls, ShownReject, ShownRow, Speed, Summary } from './protocol.js';
import { measure } from './speed.js';

/** The default of HIGH_VALUE_THRESHOLD. */
const HIGH_VALUE_THRESHOLD = '1000';
/** More are counted, and not shown. */
const MAX_REJECTS_KEPT = 10_000;
/** Bytes before and after the one to blame. */
const CONTEXT_BYTES = 240;
/** As many messages as `sluice spec --infer` takes. */
const SAMPLE_MESSAGES = 1000;

/** Rows of a chunk, in memory of their own. */
interface KeptRows {
  readonly batch: RecordBatch;
  /** The number of its first row, and of each row's message. */
  readonly first: number;
  readonly messages: Uint32Array;
}

export class Engine implements EngineCalls {
  readonly #module: WebAssembly.Module;
  /** Loads the library of Parquet files. */
  readonly #loadParquet: () => Promise<void>;
  #input = new Uint8Array();
  #spec: TableSpec | undefined;
  #delimiter: Delimiter = 'newline';
  #rows: KeptRows[] = [];
  #rejects: ShownReject[] = [];

  constructor(module: WebAssembly.Module, loadParquet: () => Promise<void>) {
    this.#module = module;
    this.#loadParquet = loadParquet;
  }

  setInput(bytes: Uint8Array<ArrayBuffer>): void {
    this.#input = bytes;
  }

  read(specText: string, delimiter: Delimiter): { specError: string } | Summary {
    const start = performance.now();
    let spec: TableSpec;
    try {
      spec = parseSpec(specText, 'here');
    } catch (thrown) {
      if (thrown instanceof SluiceError) return { specError: thrown.message };
      throw thrown;
    }
    [this.#spec, this.#delimiter, this.#rows, this.#rejects] = [spec, delimiter, [], []];
    const totals = { messages: 0, bytes: 0, rows: 0, rowsWithIssues: 0, counts: noCounts() };
    for (const read of this.#chunks(spec)) {
      if (read === TOO_LARGE) this.#addTooLarge(totals);
      else this.#add(spec, read, totals);
    }
    return {
      ...totals,
      columns: messageColumns(spec).map(({ column }) => column.name),
      specColumns: spec.columns.map(({ name }) => name),
      rejectsKept: this.#rejects.length,
      milliseconds: performance.now() - start,
    };
  }

  rows(from: number, count: number): ShownRow[] {
    const spec = this.#known();
    return this.#rows.flatMap(({ batch, first, messages }) => {
      const [start, end] = [Math.max(0, from - first), Math.min(batch.numRows, from + count - first)];
      if (start >= end) return [];
      return rowsOf(spec, batch, start, end).map((values, index) => ({ message: messages[start + index], values }));
    });
  }

  rejects(from: number, count: number): ShownReject[] {
    return this.#rejects.slice(from, from + count);
  }

  measure(): Speed {
    return measure(this.#newKernel(this.#known()), this.#input, this.#delimiter);
  }

  async parquet(): Promise<Uint8Array> {
    const spec = this.#known();
    const names = messageColumns(spec).map(({ column }) => column.name);
    const table = new Table(this.#rows.map(({ batch }) => batch)).select(names);
    await this.#loadParquet();
    const metadata = new Map([['sluice.spec', specJson(spec)]]);
    return parquetBytes(table.schema, table.batches, { spec, compression: 'zstd', metadata });
  }

  infer(delimiter: Delimiter): string {
    const text = new TextDecoder();
    const sample: { key: null; value: string }[] = [];
    for (const message of messagesOf(this.#input, delimiter)) {
      if (message !== TOO_LARGE) sample.push({ key: null, value: text.decode(message) });
      if (sample.length === SAMPLE_MESSAGES) break;
    }
    return inferSpec(sample, 'messages');
  }

  #known(): TableSpec {
    if (this.#spec === undefined) throw new Error('nothing has been read');
    return this.#spec;
  }

  #newKernel(spec: TableSpec): Kernel {
    return new Kernel(spec, readerOptions(HIGH_VALUE_THRESHOLD), this.#module);
  }

  *#chunks(spec: TableSpec): Generator<ReadChunk | typeof TOO_LARGE> {
    const reader = new MessageReader(this.#newKernel(spec));
    for (const message of messagesOf(this.#input, this.#delimiter)) yield* reader.take(message);
    yield* reader.flush();
  }

  #add(spec: TableSpec, { chunk, output }: ReadChunk, totals: Totals): void {
    const rejected = new Set<number>();
    for (const reject of output.rejects) {
      rejected.add(reject.row);
      const { values, valueOffsets } = chunk.views;
      const message = values.subarray(valueOffsets[reject.row], valueOffsets[reject.row + 1]);
      if (this.#rejects.length < MAX_REJECTS_KEPT) this.#rejects.push(shown(reject, totals.messages, message));
    }
    const messages = Uint32Array.from({ length: chunk.rows }, (_, row) => totals.messages + row);
    const ofRows = messages.filter((_, row) => !rejected.has(row));
    if (output.recordBatches.length > 0) {
      let taken = 0;
      // The kernel's memory is written again for the next chunk.
      for (const batch of tableFromIPC(toIpcStream(arrowSchema(spec), output.recordBatches)).batches) {
        const ofBatch = ofRows.subarray(taken, taken + batch.numRows);
        this.#rows.push({ batch, first: totals.rows, messages: ofBatch });
        taken += batch.numRows;
        totals.rows += batch.numRows;
      }
    }
    totals.messages += chunk.rows;
    totals.bytes += chunk.valueBytes;
    totals.rowsWithIssues += output.rowsWithIssues;
    for (const status of STATUSES) totals.counts[status] += output.counts[status];
  }

  #addTooLarge(totals: Totals): void {
    const reject = { status: 'too_large', position: -1, row: 0, column: undefined } as const;
    if (this.#rejects.length < MAX_REJECTS_KEPT) this.#rejects.push(shown(reject, totals.messages, new Uint8Array()));
    totals.messages++;
    totals.counts.too_large++;
  }
}

interface Totals {
  messages: number;
  bytes: number;
  rows: number;
  rowsWithIssues: number;
  readonly counts: Record<Status, number>;
}

function noCounts(): Record<Status, number> {
  return Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<Status, number>;
}

/** @param first the number of the chunk's first message */
function shown(reject: Omit<Reject, 'chunk'>, first: number, message: Uint8Array): ShownReject {
  const { row, status, position, column } = reject;
  const around = Math.max(0, position);
  const start = Math.max(0, around - CONTEXT_BYTES);
  const bytes = message.slice(start, around + CONTEXT_BYTES);
  return { message: first + row, status, position, column, length: message.length, start, bytes };
}
