import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Kernel
} from "../chunk-JSKUAEG5.js";
import "../chunk-BNP7KJPG.js";
import {
  arrowSchema,
  toIpcStream
} from "../chunk-V3EL5LOM.js";
import "../chunk-MYUHKRCP.js";
import "../chunk-TLNNE6W3.js";
import "../chunk-MDWEB32Y.js";
import "../chunk-WTTS74JV.js";
import "../chunk-BRZXHCDZ.js";
import "../chunk-KYH7TSYC.js";
import {
  ChunkViews,
  bit
} from "../chunk-TBKYUH34.js";
import "../chunk-TONEWEO2.js";
import {
  stageFile
} from "../chunk-S7WSWR6X.js";
import {
  AHEAD_MS
} from "../chunk-MGXMPSQE.js";
import {
  BATCH_STAT_LIST,
  NO_STATS,
  kernelStats
} from "../chunk-35ENZBND.js";
import {
  FORMAT_VERSION,
  parquetPath
} from "../chunk-CLQZY57A.js";
import {
  specHash
} from "../chunk-6JEHCNW6.js";
import "../chunk-EPKFPIWO.js";
import {
  STATUSES,
  WORKER_LOADED
} from "../chunk-TH4FY7UR.js";
import {
  SluiceError,
  assert
} from "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";

// src/worker/worker.ts
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { move, transferableSymbol, valueSymbol } from "piscina";
var BatchProcessor = class _BatchProcessor {
  #options;
  #kernel;
  #writer;
  #schema;
  #specHash;
  constructor(options, kernel, writer) {
    this.#options = options;
    this.#kernel = kernel;
    this.#writer = writer;
    this.#schema = arrowSchema(options.spec);
    this.#specHash = specHash(options.spec);
  }
  static async create(options) {
    const kernel = Kernel.create(options.spec, options);
    return new _BatchProcessor(options, kernel, await openWriter(options, kernel));
  }
  /**
   * One batch at a time: rows stay in the kernel's memory until their file is written.
   * @throws SluiceError SLUICE_DATA_DIR when the Parquet file cannot be written, SLUICE_KERNEL as `Kernel.read`
   */
  async process(task) {
    const { dataDir, topic, mergeFrom } = this.#options;
    const { partition, startOffset, nextOffset, leaderEpoch } = task;
    const start = performance.now();
    this.#kernel.useIssueBits(task.issueBits);
    const output = this.#kernel.read(partition, task.chunks);
    const quarantined = copyRejects(task, output);
    const kernelDone = performance.now();
    const { recordBatches } = output;
    const path = parquetPath(dataDir, topic, partition, startOffset, nextOffset);
    const maxEventTime = boundedEventTime(output.maxEventTime, task);
    const stats = { ...countedBy(output), maxEventTime, kernelSeconds: (kernelDone - start) / 1e3 };
    const hasRows = stats.ok > 0;
    const metadata = this.#metadata(task, stats);
    const write = (tempPath) => this.#writer.write(recordBatches, tempPath, metadata);
    const file = hasRows ? await stageFile(path, write) : void 0;
    const arrow = hasRows && mergeFrom === "arrow" ? toIpcStream(this.#schema, recordBatches) : void 0;
    return {
      partition,
      startOffset,
      nextOffset,
      leaderEpoch,
      arrow,
      file,
      quarantined,
      kernelTrap: output.trap,
      stats: { ...stats, fileBytes: file?.bytes ?? 0, parquetSeconds: (performance.now() - kernelDone) / 1e3 }
    };
  }
  #metadata(task, stats) {
    const metadata = /* @__PURE__ */ new Map([
      ["sluice.topic", this.#options.topic],
      ["sluice.partition", String(task.partition)],
      ["sluice.start_offset", String(task.startOffset)],
      ["sluice.next_offset", String(task.nextOffset)],
      ["sluice.spec_hash", this.#specHash],
      ["sluice.format", String(FORMAT_VERSION)]
    ]);
    if (task.leaderEpoch !== void 0) metadata.set("sluice.leader_epoch", String(task.leaderEpoch));
    for (const [name, { metadata: key }] of BATCH_STAT_LIST) {
      if (key !== void 0) metadata.set(`sluice.${key}`, String(stats[name]));
    }
    return metadata;
  }
};
function countedBy(output) {
  const { counts, rejects } = output;
  const noRows = counts.ok === 0 && { minChangeSeq: void 0, maxChangeSeq: void 0 };
  const messages = STATUSES.reduce((sum, status) => sum + counts[status], 0);
  const counted = kernelStats({ ...output, ...counts, ...noRows });
  return { ...NO_STATS, ...counted, messages, quarantined: rejects.length, batches: 1 };
}
async function openWriter(options, { stringForms }) {
  if (options.parquetWriter === "parquet-wasm") {
    const { ParquetWasmWriter } = await import("../parquet/parquet-wasm-writer.js");
    return new ParquetWasmWriter(options);
  }
  const { DuckDbWriter } = await import("../parquet/duckdb-writer.js");
  return DuckDbWriter.open({ ...options, stringForms });
}
function copyRejects(task, output) {
  const { rejects } = output;
  if (rejects.length === 0) return [];
  const views = task.chunks.map((chunk) => ChunkViews.of(chunk));
  let bytes = 0;
  for (const { chunk, row } of rejects) {
    const { valueOffsets, keyOffsets } = views[chunk];
    bytes += valueOffsets[row + 1] - valueOffsets[row] + keyOffsets[row + 1] - keyOffsets[row];
  }
  const buffer = new Uint8Array(bytes);
  let at = 0;
  const copy = (source, start, end) => {
    buffer.set(source.subarray(start, end), at);
    at += end - start;
    return buffer.subarray(at - (end - start), at);
  };
  return rejects.map(({ chunk, row, status, position, column }) => {
    const { offsets, timestamps, values, valueOffsets, keys, keyOffsets, keyValidity } = views[chunk];
    return {
      offset: Number(offsets[row]),
      timestamp: Number(timestamps[row]),
      key: bit(keyValidity, row) ? copy(keys, keyOffsets[row], keyOffsets[row + 1]) : null,
      value: copy(values, valueOffsets[row], valueOffsets[row + 1]),
      status,
      position,
      column
    };
  });
}
function boundedEventTime(maxEventTime, { chunks }) {
  if (maxEventTime === void 0) return void 0;
  let newest;
  for (const chunk of chunks) {
    for (const timestamp of ChunkViews.of(chunk).timestamps.subarray(0, chunk.rows)) {
      if (timestamp < 0n || newest !== void 0 && timestamp <= newest) continue;
      newest = timestamp;
      if (maxEventTime <= boundOf(newest)) return maxEventTime;
    }
  }
  const bound = boundOf(newest ?? BigInt(Date.now()));
  return maxEventTime < bound ? maxEventTime : bound;
}
function boundOf(milliseconds) {
  return (milliseconds + BigInt(AHEAD_MS)) * 1000n;
}
function buffersOf(result) {
  const buffers = /* @__PURE__ */ new Set();
  if (result.arrow !== void 0) buffers.add(result.arrow.buffer);
  for (const { value } of result.quarantined) buffers.add(value.buffer);
  return [...buffers];
}
var processor = isMainThread ? void 0 : BatchProcessor.create(workerData);
await processor?.catch(() => {
});
if (!isMainThread) parentPort?.postMessage(WORKER_LOADED);
async function processBatch(task) {
  try {
    assert(processor !== void 0, "batches are processed on worker threads");
    const reply = { ok: true, result: await (await processor).process(task) };
    return move({ [transferableSymbol]: buffersOf(reply.result), [valueSymbol]: reply });
  } catch (thrown) {
    if (thrown instanceof SluiceError) return { ok: false, error: thrown.toMessage() };
    throw thrown;
  }
}
export {
  BatchProcessor,
  processBatch
};
//# sourceMappingURL=worker.js.map
