/** A kernel with regions that are just large enough, which fails when it writes outside of them. */
import { readFileSync } from 'node:fs';
import { expect, vi } from 'vitest';
import { ChunkViews } from '../../src/core/chunk.js';
import type { ChunkHandle } from '../../src/core/flow.js';
import { KEY_EXTRA_BYTES } from '../../src/kernel/abi.js';
import { KernelInstance, type KernelOutput, Results } from '../../src/kernel/kernel-instance.js';
import { type KernelLimits, memoryMap } from '../../src/kernel/regions.js';
import { wordBytes } from '../../src/kernel/word-table.js';
import type { TableSpec } from '../../src/schema/spec.js';
import { OPTIONS, type Reader, VARIANTS } from './kernel.js';
import type { ReferenceMessage } from './reference.js';

/** Reads and copies take 16 bytes; what is further beyond a region belongs to another one. */
const SPARE_BYTES = 64;
const GUARD_BYTES = 32;
const GUARD = 0xa5;
/** What follows the input must not matter: in turn bytes that end, continue or break what is left open. */
const BEHIND = Buffer.from('"\\1}a,\x80 ', 'latin1');

const modules = new Map<string, WebAssembly.Module>();

function moduleOf(wasm: string): WebAssembly.Module {
  const name = wasm === 'release' ? 'kernel.wasm' : 'kernel.debug.wasm';
  const module =
    modules.get(name) ?? new WebAssembly.Module(readFileSync(new URL(`../../build/${name}`, import.meta.url)));
  modules.set(name, module);
  return module;
}

export class GuardedKernel implements Reader {
  readonly #instance: KernelInstance;
  readonly #bytes: Uint8Array;
  readonly #guards: readonly number[];
  readonly #inputEnd: number;
  /** Where the keys of the spec are, and what they are: they must stay. */
  readonly #keys: Uint8Array;
  readonly #keysBefore: Uint8Array;
  #reads = 0;

  constructor(spec: TableSpec, limits: KernelLimits, { wasm, learned }: (typeof VARIANTS)[number]) {
    const flags = { ...OPTIONS, learned };
    const { instance, memory } = caught(() => new KernelInstance(moduleOf(wasm), spec, limits, flags));
    const { columns, bytes: end, ...regions } = memoryMap(spec, limits);
    const outputs = columns.flatMap(({ data, offsets, validity }) => [data, offsets, validity]).filter((at) => at > 0);
    // In front of the keys are the nodes, which have no space to spare.
    const starts = [...Object.values(regions).flat(), ...outputs, end].filter(
      (start) => start > 0 && start !== regions.keys,
    );
    this.#instance = instance;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#guards = starts.map((start) => start - GUARD_BYTES);
    const behindKeys = Math.min(...starts.filter((start) => start > regions.keys));
    this.#keys = this.#bytes.subarray(regions.keys, behindKeys - SPARE_BYTES);
    this.#keysBefore = this.#keys.slice();
    this.#inputEnd = regions.values + limits.chunkBytes;
  }

  /** Reads the chunks, which must fit, and looks at the guards. */
  read(partition: number, chunks: readonly ChunkHandle[]): KernelOutput {
    const results = new Results();
    for (const start of this.#guards) this.#bytes.fill(GUARD, start, start + GUARD_BYTES);
    this.#bytes.fill(BEHIND[this.#reads++ % BEHIND.length], this.#inputEnd, this.#inputEnd + GUARD_BYTES);
    this.#instance.begin(partition);
    for (const [index, chunk] of chunks.entries()) {
      const views = ChunkViews.of(chunk);
      expect(this.#instance.hasRoomFor(chunk.rows, chunk.valueBytes, views.keyOffsets[chunk.rows])).toBe(true);
      this.#instance.read(results, index, views, 0, chunk.rows);
    }
    this.#instance.collect(results, false);
    const broken = this.#guards.filter((start) =>
      this.#bytes.subarray(start, start + GUARD_BYTES).some((byte) => byte !== GUARD),
    );
    expect(broken).toEqual([]);
    expect(Buffer.compare(this.#keys, this.#keysBefore)).toBe(0);
    return results.output();
  }
}

/** Makes an instance, and catches the memory that it makes for itself. */
function caught(make: () => KernelInstance): { instance: KernelInstance; memory: WebAssembly.Memory } {
  let memory: WebAssembly.Memory | undefined;
  class CaughtMemory extends WebAssembly.Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      memory = this;
    }
  }
  vi.stubGlobal('WebAssembly', Object.create(WebAssembly, { Memory: { value: CaughtMemory } }));
  try {
    return { instance: make(), memory: memory! };
  } finally {
    vi.unstubAllGlobals();
  }
}

/** Kernels of all variants in which nothing but these messages fits: the last of them ends where the input does. */
export function tightKernels(spec: TableSpec, messages: readonly ReferenceMessage[], times = 1): GuardedKernel[] {
  const bytes = messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
  const keyBytes = messages.reduce((sum, { key }) => sum + (key?.length ?? 0), 0);
  const chunkRows = messages.length;
  const ofKeys = spec.columns.some(({ paths }) => paths.some(({ of }) => of === 'key'))
    ? keyBytes + chunkRows * KEY_EXTRA_BYTES
    : 0;
  const columnBytes = (bytes + ofKeys + chunkRows * wordBytes(spec)) * times;
  const limits = { chunkRows, chunkBytes: bytes, keyBytes, batchRows: chunkRows * times, columnBytes };
  return VARIANTS.map((variant) => new GuardedKernel(spec, limits, variant));
}
