import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  KernelInstance,
  Results
} from "./chunk-OU3ABUAZ.js";
import {
  MAX_MEMORY_BYTES,
  memoryMap
} from "./chunk-MYUHKRCP.js";
import {
  KernelTrap,
  MAX_TRAPPING,
  trappingMessages,
  without
} from "./chunk-BRZXHCDZ.js";
import {
  ChunkViews
} from "./chunk-XC7MPS2P.js";
import {
  tableColumns
} from "./chunk-6JEHCNW6.js";
import {
  KERNEL_WASM
} from "./chunk-EPKFPIWO.js";
import {
  SluiceError,
  asSluiceError,
  assert
} from "./chunk-OOJGYMCI.js";

// src/kernel/kernel.ts
import { readFileSync } from "node:fs";
var CHUNK_ROWS = 4096;
var CHUNK_BYTES = 1 << 20;
var MAX_TEXT_BYTES = 2 ** 31;
var Kernel = class _Kernel {
  #spec;
  #options;
  #module;
  #instance;
  #limits;
  /** Until told otherwise, each column's place. */
  #issueBits;
  constructor(spec, options, module) {
    this.#spec = spec;
    this.#options = options;
    this.#module = module;
    const textColumns = tableColumns(spec).filter(({ type }) => type === "utf8").length;
    const columnBytes = Math.min(options.batchBytes + CHUNK_BYTES, Math.floor(MAX_TEXT_BYTES / textColumns));
    this.#limits = {
      chunkRows: CHUNK_ROWS,
      chunkBytes: CHUNK_BYTES,
      batchRows: options.batchRows + CHUNK_ROWS,
      columnBytes
    };
    this.#issueBits = spec.columns.map((_, index) => index);
    this.#instance = this.#newInstance(this.#limits);
  }
  /**
   * Compiles and instantiates.
   * @throws SluiceError SLUICE_KERNEL if there is no build of this version
   */
  static create(spec, options) {
    return new _Kernel(spec, options, compile(KERNEL_WASM[options.wasm ?? "release"]));
  }
  /**
   * Sets the bits that the column `issues` uses in later reads, instead of each column's place in the spec.
   * @param bits of each spec column, 0 to 63, in the order of the spec
   */
  useIssueBits(bits) {
    assert(bits.length === this.#spec.columns.length, "each spec column has an issue bit");
    assert(
      bits.every((bit) => Number.isInteger(bit) && bit >= 0 && bit < 64),
      "issue bits are from 0 to 63"
    );
    this.#issueBits = bits;
    this.#instance.useIssueBits(bits);
  }
  /**
   * Reads the messages of consecutive chunks of one partition. Those on which the kernel traps are rejected.
   * @returns rows, rejects and counters; record batches are valid until the next call
   * @throws SluiceError SLUICE_KERNEL if it traps on no message alone, or on more than MAX_TRAPPING
   */
  read(partition, chunks) {
    const views = chunks.map((chunk) => ChunkViews.of(chunk));
    const all = chunks.map(({ rows }, chunk) => ({ chunk, from: 0, to: rows }));
    try {
      return this.#readSpans(partition, views, all).output();
    } catch (thrown) {
      if (!(thrown instanceof KernelTrap)) throw thrown;
      return this.#readWithoutTraps(partition, views, all, thrown);
    }
  }
  /** Fast for text that this kernel has read last. */
  stringForms = (...args) => this.#instance.stringForms(...args);
  #readSpans(partition, views, spans) {
    const results = new Results();
    this.#instance.begin(partition);
    for (const { chunk, from: start, to: end } of spans) {
      for (let from = start; from < end; ) {
        const to = endOfRun(views[chunk].valueOffsets, from, end);
        if (to > from) this.#readRows(results, partition, chunk, views[chunk], from, to);
        else this.#readLarge(results, partition, chunk, views[chunk], from);
        from = Math.max(to, from + 1);
      }
    }
    this.#instance.collect(results, false);
    return results;
  }
  /** Reads again what trapped: each attempt on a new instance, for the one that trapped may have left anything. */
  #readWithoutTraps(partition, views, all, { message: trap }) {
    const attempt = (spans) => {
      this.#instance = this.#newInstance(this.#limits);
      try {
        return this.#readSpans(partition, views, spans);
      } catch (thrown) {
        if (thrown instanceof KernelTrap) return void 0;
        throw thrown;
      }
    };
    const { chunk: firstChunk } = all.find(({ to }) => to > 0);
    const firstOffset = views[firstChunk].offsets[0];
    const trapping = trappingMessages(all, (spans) => attempt(spans) === void 0);
    if (trapping.length > MAX_TRAPPING) {
      throw trapError(partition, firstOffset, trap, `on more than ${MAX_TRAPPING} messages of the batch`);
    }
    const results = attempt(without(all, trapping));
    if (results === void 0)
      throw trapError(partition, firstOffset, trap, "on the batch, but on no message of it alone");
    results.trap = trap;
    results.counts.kernel_trap = trapping.length;
    for (const { chunk, from: row } of trapping) {
      results.rejects.push({ chunk, row, status: "kernel_trap", position: -1, column: void 0 });
    }
    results.rejects.sort((a, b) => a.chunk - b.chunk || a.row - b.row);
    return results.output();
  }
  #newInstance(limits) {
    const instance = new KernelInstance(this.#module, this.#spec, limits, this.#options);
    instance.useIssueBits(this.#issueBits);
    return instance;
  }
  #readRows(results, partition, chunk, views, from, to) {
    const bytes = views.valueOffsets[to] - views.valueOffsets[from];
    if (!this.#instance.hasRoomFor(to - from, bytes)) {
      this.#instance.collect(results, true);
      this.#instance.begin(partition);
    }
    this.#instance.read(results, chunk, views, from, to);
  }
  /** Reads a message that is larger than the input region, in memory of its own. */
  #readLarge(results, partition, chunk, views, row) {
    const bytes = views.valueOffsets[row + 1] - views.valueOffsets[row];
    const limits = { chunkRows: 8, chunkBytes: bytes, batchRows: 8, columnBytes: bytes };
    if (memoryMap(this.#spec, limits).bytes > MAX_MEMORY_BYTES) {
      results.counts.too_large++;
      results.rejects.push({ chunk, row, status: "too_large", position: -1, column: void 0 });
      return;
    }
    this.#instance.collect(results, true);
    this.#instance.begin(partition);
    const large = this.#newInstance(limits);
    large.begin(partition);
    large.read(results, chunk, views, row, row + 1);
    large.collect(results, true);
  }
};
function compile(file) {
  try {
    return new WebAssembly.Module(readFileSync(file));
  } catch (thrown) {
    throw asSluiceError(thrown, "SLUICE_KERNEL", `${file.pathname} cannot be loaded; \`npm run build:wasm\` makes it`);
  }
}
function trapError(partition, firstOffset, trap, where) {
  return new SluiceError(
    "SLUICE_KERNEL",
    `the WASM kernel trapped ${where}: partition ${partition}, from offset ${firstOffset}: ${trap}. Nothing of the batch was committed. This is a bug of Sluice: report it with the messages; another release may read them, the position stays`
  );
}
function endOfRun(valueOffsets, from, rows) {
  const limit = valueOffsets[from] + CHUNK_BYTES;
  let to = Math.min(rows, from + CHUNK_ROWS);
  while (valueOffsets[to] > limit) to--;
  return to;
}

export {
  Kernel
};
//# sourceMappingURL=chunk-44SHTB4H.js.map
