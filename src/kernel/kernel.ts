/**
 * The WASM kernel as the host sees it: chunks in, Arrow record batches out.
 *
 * Chunks are copied in one at a time, so that input and the block at hand stay in the cache; columns grow over all
 * chunks of a batch. Record batches are views over the kernel's memory, valid until the next `read`.
 */
import { ChunkViews } from '../core/chunk.js';
import { assert, SluiceError } from '../core/errors.js';
import type { ChunkHandle } from '../core/flow.js';
import type { StringForms } from '../core/string-forms.js';
import type { TableSpec } from '../schema/spec.js';
import { KernelInstance, type KernelOutput, Results } from './kernel-instance.js';
import { type BatchSizes, kernelLimits, limitsOfLarge } from './limits.js';
import type { FlagOptions } from './memory-map.js';
import { type KernelLimits, MAX_MEMORY_BYTES, memoryMap } from './regions.js';
import { KernelTrap, MAX_TRAPPING, type Span, trappingMessages, without } from './traps.js';

export interface KernelOptions extends FlagOptions, BatchSizes {}

type ViewsOf = (chunk: number) => ChunkViews;

export class Kernel {
  readonly #spec: TableSpec;
  readonly #options: KernelOptions;
  readonly #module: WebAssembly.Module;
  #instance: KernelInstance;
  readonly #limits: KernelLimits;
  /** Until told otherwise, each column's place. */
  #issueBits: readonly number[];

  /**
   * @param module the compiled kernel: kernel-file.ts, where there are files
   * @throws SluiceError SLUICE_KERNEL if it is of another version
   */
  constructor(spec: TableSpec, options: KernelOptions, module: WebAssembly.Module) {
    this.#spec = spec;
    this.#options = options;
    this.#module = module;
    this.#limits = kernelLimits(spec, options);
    this.#issueBits = spec.columns.map((_, index) => index);
    this.#instance = this.#newInstance(this.#limits);
  }

  /**
   * Sets the bits that the column `issues` uses in later reads, instead of each column's place in the spec.
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
   * Reads the messages of consecutive chunks of one partition. Those on which the kernel traps are rejected.
   * @param viewsOf the messages of a chunk by its number, valid until the next call; default as they are
   * @returns rows, rejects and counters; record batches are valid until the next call
   * @throws SluiceError SLUICE_KERNEL if it traps on no message alone, or on more than MAX_TRAPPING
   */
  read(
    partition: number,
    chunks: readonly ChunkHandle[],
    viewsOf: ViewsOf = (chunk) => ChunkViews.of(chunks[chunk]),
  ): KernelOutput {
    const all = chunks.map(({ rows }, chunk) => ({ chunk, from: 0, to: rows }));
    try {
      return this.#readSpans(partition, viewsOf, all).output();
    } catch (thrown) {
      if (!(thrown instanceof KernelTrap)) throw thrown;
      return this.#readWithoutTraps(partition, viewsOf, all, thrown);
    }
  }

  /** Fast for text that this kernel has read last. */
  readonly stringForms: StringForms = (...args) => this.#instance.stringForms(...args);

  #readSpans(partition: number, viewsOf: ViewsOf, spans: readonly Span[]): Results {
    const results = new Results();
    this.#instance.begin(partition);
    for (const { chunk, from: start, to: end } of spans) {
      const views = viewsOf(chunk);
      for (let from = start; from < end; ) {
        const to = this.#endOfRun(views, from, end);
        if (to > from) this.#readRows(results, partition, chunk, views, from, to);
        else this.#readLarge(results, partition, chunk, views, from);
        from = Math.max(to, from + 1);
      }
    }
    this.#instance.collect(results, false);
    return results;
  }

  /** Reads again what trapped: each attempt on a new instance, for the one that trapped may have left anything. */
  #readWithoutTraps(
    partition: number,
    viewsOf: ViewsOf,
    all: readonly Span[],
    { message: trap }: KernelTrap,
  ): KernelOutput {
    const attempt = (spans: readonly Span[]) => {
      this.#instance = this.#newInstance(this.#limits);
      try {
        return this.#readSpans(partition, viewsOf, spans);
      } catch (thrown) {
        if (thrown instanceof KernelTrap) return undefined;
        throw thrown;
      }
    };
    // Without a message there is no trap.
    const { chunk: firstChunk } = all.find(({ to }) => to > 0) as Span;
    const firstOffset = viewsOf(firstChunk).offsets[0];
    const trapping = trappingMessages(all, (spans) => attempt(spans) === undefined);
    if (trapping.length > MAX_TRAPPING) {
      throw trapError(partition, firstOffset, trap, `on more than ${MAX_TRAPPING} messages of the batch`);
    }
    const results = attempt(without(all, trapping));
    if (results === undefined)
      throw trapError(partition, firstOffset, trap, 'on the batch, but on no message of it alone');
    results.trap = trap;
    results.counts.kernel_trap = trapping.length;
    for (const { chunk, from: row } of trapping) {
      results.rejects.push({ chunk, row, status: 'kernel_trap', position: -1, column: undefined });
    }
    results.rejects.sort((a, b) => a.chunk - b.chunk || a.row - b.row);
    return results.output();
  }

  #newInstance(limits: KernelLimits): KernelInstance {
    const instance = new KernelInstance(this.#module, this.#spec, limits, this.#options);
    instance.useIssueBits(this.#issueBits);
    return instance;
  }

  #readRows(results: Results, partition: number, chunk: number, views: ChunkViews, from: number, to: number): void {
    const bytes = views.valueOffsets[to] - views.valueOffsets[from];
    const keyBytes = views.keyOffsets[to] - views.keyOffsets[from];
    if (!this.#instance.hasRoomFor(to - from, bytes, keyBytes)) {
      this.#instance.collect(results, true);
      this.#instance.begin(partition);
    }
    this.#instance.read(results, chunk, views, from, to);
  }

  /** The end of the messages from `from` on that fit the input regions together; `from` if not even the first does. */
  #endOfRun({ valueOffsets, keyOffsets }: ChunkViews, from: number, rows: number): number {
    const { chunkRows, chunkBytes, keyBytes } = this.#limits;
    const limit = valueOffsets[from] + chunkBytes;
    const keyLimit = this.#instance.readsKeys ? keyOffsets[from] + keyBytes : Number.POSITIVE_INFINITY;
    let to = Math.min(rows, from + chunkRows);
    while (valueOffsets[to] > limit || keyOffsets[to] > keyLimit) to--;
    return to;
  }

  /** Reads a message that is larger than the input region, in memory of its own. */
  #readLarge(results: Results, partition: number, chunk: number, views: ChunkViews, row: number): void {
    const bytes = views.valueOffsets[row + 1] - views.valueOffsets[row];
    const keyBytes = this.#instance.readsKeys ? views.keyOffsets[row + 1] - views.keyOffsets[row] : 0;
    const limits = limitsOfLarge(bytes, keyBytes);
    if (memoryMap(this.#spec, limits).bytes > MAX_MEMORY_BYTES) {
      results.counts.too_large++;
      results.rejects.push({ chunk, row, status: 'too_large', position: -1, column: undefined });
      return;
    }
    // What was read before comes first; the memory for the large message goes with it.
    this.#instance.collect(results, true);
    this.#instance.begin(partition);
    const large = this.#newInstance(limits);
    large.begin(partition);
    large.read(results, chunk, views, row, row + 1);
    large.collect(results, true);
  }
}

/** A trap that cannot be laid to single messages. */
function trapError(partition: number, firstOffset: bigint, trap: string, where: string): SluiceError {
  return new SluiceError(
    'SLUICE_KERNEL',
    `the WASM kernel trapped ${where}: partition ${partition}, from offset ${firstOffset}: ${trap}. ` +
      'Nothing of the batch was committed. This is a bug of Sluice: report it with the messages; another release may ' +
      'read them, the position stays',
  );
}
