/**
 * The WASM kernel as the host sees it: chunks in, Arrow record batches out.
 *
 * Chunks are copied in one at a time, so that input and the rows in work stay in the cache; columns grow over all
 * chunks of a batch. Record batches are views over the kernel's memory, valid until the next `read`.
 */
import { readFileSync } from 'node:fs';
import { KERNEL_WASM } from '../assets.js';
import { ChunkViews } from '../core/chunk.js';
import { asSluiceError, assert } from '../core/errors.js';
import type { ChunkHandle } from '../core/flow.js';
import type { StringForms } from '../core/string-forms.js';
import { type TableSpec, tableColumns } from '../schema/spec.js';
import { KernelInstance, type KernelOutput, Results } from './kernel-instance.js';
import { type FlagOptions, type KernelLimits, MAX_MEMORY_BYTES, memoryMap } from './memory-map.js';

export interface KernelOptions extends FlagOptions {
  readonly batchRows: number;
  readonly batchBytes: number;
  /** Which build; default release. */
  readonly wasm?: 'release' | 'debug';
}

/** What a chunk of the usual size has at most (chunk.ts). */
const CHUNK_ROWS = 4096;
const CHUNK_BYTES = 1 << 20;
/** All text columns together; only memory that is touched counts. */
const MAX_TEXT_BYTES = 2 ** 31;

export class Kernel {
  readonly #spec: TableSpec;
  readonly #options: KernelOptions;
  readonly #module: WebAssembly.Module;
  readonly #instance: KernelInstance;
  readonly #limits: KernelLimits;
  /** Until told otherwise, each column's place. */
  #issueBits: readonly number[];

  private constructor(spec: TableSpec, options: KernelOptions, module: WebAssembly.Module) {
    this.#spec = spec;
    this.#options = options;
    this.#module = module;
    const textColumns = tableColumns(spec).filter(({ type }) => type === 'utf8').length;
    const columnBytes = Math.min(options.batchBytes + CHUNK_BYTES, Math.floor(MAX_TEXT_BYTES / textColumns));
    this.#limits = {
      chunkRows: CHUNK_ROWS,
      chunkBytes: CHUNK_BYTES,
      batchRows: options.batchRows + CHUNK_ROWS,
      columnBytes,
    };
    this.#instance = new KernelInstance(module, spec, this.#limits, options);
    this.#issueBits = spec.columns.map((_, index) => index);
  }

  /**
   * Compiles and instantiates.
   * @throws SluiceError SLUICE_KERNEL if there is no build of this version
   */
  static create(spec: TableSpec, options: KernelOptions): Kernel {
    return new Kernel(spec, options, compile(KERNEL_WASM[options.wasm ?? 'release']));
  }

  /**
   * Has the column `issues` of what is read from here on use these bits, instead of a column's place in the spec.
   * @param bits of each spec column, 0 to 63, in the order of the spec
   */
  useIssueBits(bits: readonly number[]): void {
    assert(bits.length === this.#spec.columns.length, 'each spec column has an issue bit');
    assert(
      bits.every((bit) => Number.isInteger(bit) && bit >= 0 && bit < 64),
      'issue bits are from 0 to 63',
    );
    this.#issueBits = bits;
    this.#instance.useIssueBits(bits);
  }

  /**
   * Reads the messages of consecutive chunks of one partition.
   * @returns what they came to; record batches are valid until the next call
   */
  read(partition: number, chunks: readonly ChunkHandle[]): KernelOutput {
    const results = new Results();
    this.#instance.begin(partition);
    for (const [index, chunk] of chunks.entries()) {
      const views = ChunkViews.of(chunk);
      for (let from = 0; from < chunk.rows; ) {
        const to = endOfRun(views.valueOffsets, from, chunk.rows);
        if (to > from) this.#readRows(results, partition, index, views, from, to);
        else this.#readLarge(results, partition, index, views, from);
        from = Math.max(to, from + 1);
      }
    }
    this.#instance.collect(results, false);
    return results.output();
  }

  /** The fast way to the forms of text that this kernel has read. */
  get stringForms(): StringForms {
    return this.#instance.stringForms;
  }

  #readRows(results: Results, partition: number, chunk: number, views: ChunkViews, from: number, to: number): void {
    const bytes = views.valueOffsets[to] - views.valueOffsets[from];
    if (!this.#instance.hasRoomFor(to - from, bytes)) {
      this.#instance.collect(results, true);
      this.#instance.begin(partition);
    }
    this.#instance.read(results, chunk, views, from, to);
  }

  /** Reads a message that is larger than the input region, in memory of its own. */
  #readLarge(results: Results, partition: number, chunk: number, views: ChunkViews, row: number): void {
    const bytes = views.valueOffsets[row + 1] - views.valueOffsets[row];
    const limits = { chunkRows: 8, chunkBytes: bytes, batchRows: 8, columnBytes: bytes };
    if (memoryMap(this.#spec, limits).bytes > MAX_MEMORY_BYTES) {
      results.counts.too_large++;
      results.rejects.push({ chunk, row, status: 'too_large', position: -1, column: undefined });
      return;
    }
    // What was read before comes first; the memory for the large message goes with it.
    this.#instance.collect(results, true);
    this.#instance.begin(partition);
    const large = new KernelInstance(this.#module, this.#spec, limits, this.#options);
    large.useIssueBits(this.#issueBits);
    large.begin(partition);
    large.read(results, chunk, views, row, row + 1);
    large.collect(results, true);
  }
}

function compile(file: URL): WebAssembly.Module {
  try {
    return new WebAssembly.Module(readFileSync(file));
  } catch (thrown) {
    throw asSluiceError(thrown, 'SLUICE_KERNEL', `${file.pathname} cannot be loaded; \`npm run build:wasm\` makes it`);
  }
}

/** The messages from `from` on that fit the input region together end here; at `from` if not even the first does. */
function endOfRun(valueOffsets: Int32Array, from: number, rows: number): number {
  const limit = valueOffsets[from] + CHUNK_BYTES;
  let to = Math.min(rows, from + CHUNK_ROWS);
  while (valueOffsets[to] > limit) to--;
  return to;
}
