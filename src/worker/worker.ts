/** A worker thread: a batch of messages in; a durable Parquet file out, and the rows as Arrow if asked for. */
import { isMainThread, workerData } from 'node:worker_threads';
import type { Schema } from 'apache-arrow';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { BATCH_STAT_LIST, type BatchStats, kernelStats, NO_STATS } from '../core/batch-stats.js';
import { bit, ChunkViews } from '../core/chunk.js';
import { assert, SluiceError, type SluiceErrorMessage } from '../core/errors.js';
import { AHEAD_MS, isTime } from '../core/event-time.js';
import {
  type BatchResult,
  type BatchTask,
  type MergeFrom,
  type ParquetFile,
  type QuarantinedMessage,
  STATUSES,
} from '../core/flow.js';
import type { Kernel } from '../kernel/kernel.js';
import { openKernel } from '../kernel/kernel-file.js';
import type { KernelOutput } from '../kernel/kernel-instance.js';
import type { ParquetWriter } from '../parquet/parquet-writer.js';
import { runOf, TEXT_BYTES_KEY } from '../parquet/row-groups.js';
import type { ParquetSettings } from '../parquet/settings.js';
import type { FormatSettings, FramedMessages } from '../registry/framed-messages.js';
import { arrowSchema, toIpcStream } from '../schema/arrow.js';
import { hasMasks } from '../schema/mask.js';
import { MessageCipher, messagePlace, needsMaskKey } from '../schema/mask-key.js';
import { type Role, roleColumn, type TableSpec, tableColumns } from '../schema/spec.js';
import { specHash } from '../schema/spec-hash.js';
import { FORMAT_VERSION, parquetPath, SCHEMA_IDS_KEY } from '../storage/data-dir.js';
import { lakeFilePath } from '../storage/lake-files.js';
import { isObjectStore, type ObjectStoreOptions } from '../storage/object-store.js';
import { stageFile, writeFileInPlace, writeObject } from '../storage/staged-file.js';
import { failedExpectations } from './expectations.js';
import { readFramed } from './framed-kernel.js';
import { countMarkers } from './markers.js';
import { throwIfMasked } from './masked-twice.js';
import type { WorkerSettings } from './settings.js';

/** Formats are JSON if they are not there. */
export interface WorkerOptions extends ParquetSettings, Omit<WorkerSettings, 'workers'>, Partial<FormatSettings> {
  readonly spec: TableSpec;
  readonly topic: string;
  readonly dataDir: string;
  /** Of a lake, `s3://…` or absolute: files are written where they stay. */
  readonly lakeFolder?: string | undefined;
  /** For a lake at `s3://…`. */
  readonly objects?: ObjectStoreOptions | undefined;
  readonly batchRows: number;
  readonly batchBytes: number;
  /** Whether the result has the rows as Arrow, beside the file. */
  readonly mergeFrom: MergeFrom;
  /** Of a spec with masks. */
  readonly maskKey?: Uint8Array | undefined;
}

/** What a task resolves to: a thrown SluiceError would lose its class and code on its way between threads. */
export type WorkerReply = { ok: true; result: BatchResult } | { ok: false; error: SluiceErrorMessage };

/** Turns batches into results; everything that it needs is made once, when its thread starts. */
export class BatchProcessor {
  readonly #options: WorkerOptions;
  readonly #kernel: Kernel;
  readonly #writer: ParquetWriter;
  /** Undefined if the kernel reads messages as they are. */
  readonly #framed: FramedMessages | undefined;
  readonly #schema: Schema;
  readonly #specHash: string;
  /** Index of the column with the role `operation`, -1 if there is none. */
  readonly #operation: number;
  /** The same of the role `change_id`, of a spec with masks. */
  readonly #changeId: number;
  readonly #cipher: MessageCipher | undefined;

  private constructor(
    options: WorkerOptions,
    kernel: Kernel,
    writer: ParquetWriter,
    framed: FramedMessages | undefined,
  ) {
    this.#options = options;
    this.#kernel = kernel;
    this.#writer = writer;
    this.#framed = framed;
    this.#schema = arrowSchema(options.spec);
    this.#specHash = specHash(options.spec);
    const indexOf = (role: Role) => {
      const column = roleColumn(options.spec, role)?.name;
      return tableColumns(options.spec).findIndex(({ name }) => name === column);
    };
    this.#operation = indexOf('operation');
    this.#changeId = hasMasks(options.spec) ? indexOf('change_id') : -1;
    this.#cipher = options.maskKey && hasMasks(options.spec) ? new MessageCipher(options.maskKey) : undefined;
  }

  /** @throws SluiceError SLUICE_CONFIG if the spec has masks, and there is no key */
  static async create(options: WorkerOptions): Promise<BatchProcessor> {
    if (hasMasks(options.spec) && options.maskKey === undefined) throw needsMaskKey('the table spec has masks');
    const kernel = openKernel(options.spec, options);
    return new BatchProcessor(options, kernel, await openWriter(options, kernel), await openFramed(options));
  }

  /**
   * One batch at a time: rows stay in the kernel's memory until their file is written.
   * @throws SluiceError SLUICE_DATA_DIR or SLUICE_LAKE when the Parquet file cannot be written, SLUICE_KERNEL as
   *   `Kernel.read`, SLUICE_CONFIG if messages are masked already that the spec masks
   */
  async process(task: BatchTask): Promise<BatchResult> {
    const { mergeFrom } = this.#options;
    const { partition, startOffset, nextOffset, leaderEpoch } = task;
    const start = performance.now();
    this.#kernel.useIssueBits(task.issueBits);
    const output = this.#read(task);
    if (this.#changeId !== -1) throwIfMasked(output.recordBatches, this.#changeId, this.#options.topic);
    const schemaIds = this.#framed?.schemaIds ?? [];
    const quarantined = this.#sealed(partition, copyRejects(task, output));
    const failed = failedExpectations(this.#options.spec, output, task, Date.now());
    const kernelDone = performance.now();
    const { recordBatches } = output;
    const maxEventTime = boundedEventTime(output.maxEventTime, task);
    const marker = this.#operation === -1 ? 0 : countMarkers(recordBatches, this.#operation);
    const stats = { ...countedBy(output), marker, maxEventTime, kernelSeconds: (kernelDone - start) / 1e3 };
    const hasRows = stats.ok > 0;
    const metadata = this.#metadata(task, stats);
    if (schemaIds.length > 0) metadata.set(SCHEMA_IDS_KEY, schemaIds.join(' '));
    const textBytes = recordBatches.reduce((sum, recordBatch) => sum + runOf(recordBatch).textBytes, 0);
    metadata.set(TEXT_BYTES_KEY, String(textBytes));
    const write = (tempPath: string) => this.#writer.write(recordBatches, tempPath, metadata);
    const file = hasRows ? await this.#writeFile(task, write) : undefined;
    const arrow = hasRows && mergeFrom === 'arrow' ? toIpcStream(this.#schema, recordBatches) : undefined;
    return {
      partition,
      startOffset,
      nextOffset,
      leaderEpoch,
      arrow,
      file,
      quarantined,
      kernelTrap: output.trap,
      schemaIds,
      failedExpectations: failed,
      stats: { ...stats, fileBytes: file?.bytes ?? 0, parquetSeconds: (performance.now() - kernelDone) / 1e3 },
    };
  }

  #read(task: BatchTask): KernelOutput {
    if (this.#framed === undefined) return this.#kernel.read(task.partition, task.chunks);
    return readFramed(this.#kernel, this.#framed, task);
  }

  /** What cannot be read cannot be masked by its paths: it is encrypted. */
  #sealed(partition: number, messages: QuarantinedMessage[]): QuarantinedMessage[] {
    const cipher = this.#cipher;
    if (cipher === undefined) return messages;
    const seal = (bytes: Uint8Array | null, offset: number, part: 'key' | 'value') =>
      bytes && cipher.seal(bytes, messagePlace(this.#options.topic, partition, offset, part));
    return messages.map(({ key, value, ...message }) => {
      const { offset } = message;
      return { ...message, key: seal(key, offset, 'key'), value: seal(value, offset, 'value') };
    });
  }

  async #writeFile(task: BatchTask, write: (path: string) => Promise<void>): Promise<ParquetFile> {
    const { dataDir, topic, lakeFolder } = this.#options;
    const { partition, startOffset, nextOffset, epoch = 0 } = task;
    if (lakeFolder === undefined) {
      return await stageFile(parquetPath(dataDir, topic, partition, startOffset, nextOffset), write);
    }
    const path = lakeFilePath(lakeFolder, partition, epoch, startOffset, nextOffset);
    if (!isObjectStore(path)) return await writeFileInPlace(path, write);
    return await writeObject(path, write, (of) => this.#writer.bytesOf(of));
  }

  #metadata(task: BatchTask, stats: BatchStats): Map<string, string> {
    const metadata = new Map([
      ['sluice.topic', this.#options.topic],
      ['sluice.partition', String(task.partition)],
      ['sluice.start_offset', String(task.startOffset)],
      ['sluice.next_offset', String(task.nextOffset)],
      ['sluice.spec_hash', this.#specHash],
      ['sluice.format', String(FORMAT_VERSION)],
    ]);
    if (task.leaderEpoch !== undefined) metadata.set('sluice.leader_epoch', String(task.leaderEpoch));
    for (const [name, { metadata: key }] of BATCH_STAT_LIST) {
      if (key !== undefined) metadata.set(`sluice.${key}`, String(stats[name]));
    }
    return metadata;
  }
}

/** What the kernel's output comes to. */
function countedBy(output: KernelOutput): BatchStats {
  const { counts, rejects } = output;
  // Without a row there is no sequence, for which the kernel has 0.
  const noRows = counts.ok === 0 && { minChangeSeq: undefined, maxChangeSeq: undefined };
  const messages = STATUSES.reduce((sum, status) => sum + counts[status], 0);
  const counted = kernelStats({ ...output, ...counts, ...noRows });
  return { ...NO_STATS, ...counted, messages, quarantined: rejects.length, batches: 1 };
}

/** Loads what reads messages behind frames, if there are any. */
async function openFramed({ valueFormat = 'json', keyFormat = 'json', spec }: WorkerOptions) {
  if (valueFormat === 'json' && keyFormat === 'json') return undefined;
  const { FramedMessages } = await import('../registry/framed-messages.js');
  return FramedMessages.of({ valueFormat, keyFormat }, spec);
}

/** Loads the library that writes, and not the other one. */
async function openWriter(options: WorkerOptions, { stringForms }: Kernel): Promise<ParquetWriter> {
  if (options.parquetWriter === 'parquet-wasm') {
    const { ParquetWasmWriter } = await import('../parquet/parquet-wasm-writer.js');
    return new ParquetWasmWriter(options);
  }
  const { DuckDbWriter } = await import('../parquet/duckdb-writer.js');
  return DuckDbWriter.open({ ...options, stringForms });
}

/** The rejected messages, copied out of the shared chunks into one buffer of their own. */
function copyRejects(task: BatchTask, output: KernelOutput): QuarantinedMessage[] {
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
  const copy = (source: Uint8Array, start: number, end: number) => {
    buffer.set(source.subarray(start, end), at);
    at += end - start;
    return buffer.subarray(at - (end - start), at);
  };
  return rejects.map(({ chunk, row, status, position, column, expectation }) => {
    const { offsets, timestamps, values, valueOffsets, valueValidity, keys, keyOffsets, keyValidity } = views[chunk];
    return {
      offset: Number(offsets[row]),
      timestamp: Number(timestamps[row]),
      key: bit(keyValidity, row) ? copy(keys, keyOffsets[row], keyOffsets[row + 1]) : null,
      value: bit(valueValidity, row) ? copy(values, valueOffsets[row], valueOffsets[row + 1]) : null,
      status,
      position,
      column,
      ...(expectation !== undefined && { expectation }),
    };
  });
}

/**
 * The highest event time, but not further ahead of all messages of the batch than AHEAD_MS; of the clock, if no message
 * has a time.
 */
function boundedEventTime(maxEventTime: bigint | undefined, { chunks }: BatchTask): bigint | undefined {
  if (maxEventTime === undefined) return undefined;
  let newest: bigint | undefined;
  for (const chunk of chunks) {
    for (const timestamp of ChunkViews.of(chunk).timestamps.subarray(0, chunk.rows)) {
      if (!isTime(timestamp) || (newest !== undefined && timestamp <= newest)) continue;
      newest = timestamp;
      // Most often the first message tells.
      if (maxEventTime <= boundOf(newest)) return maxEventTime;
    }
  }
  const bound = boundOf(newest ?? BigInt(Date.now()));
  return maxEventTime < bound ? maxEventTime : bound;
}

function boundOf(milliseconds: bigint): bigint {
  return (milliseconds + BigInt(AHEAD_MS)) * 1000n;
}

/** The buffers of a result, to be handed over without a copy. */
function buffersOf(result: BatchResult): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  if (result.arrow !== undefined) buffers.add(result.arrow.buffer as ArrayBuffer);
  for (const { key, value } of result.quarantined) {
    for (const bytes of [key, value]) if (bytes !== null) buffers.add(bytes.buffer as ArrayBuffer);
  }
  return [...buffers];
}

/** Made when the thread starts, so that the first batch does not wait for it. */
const processor = isMainThread ? undefined : BatchProcessor.create(workerData as WorkerOptions);
// A failure is the answer to each batch: the pool replaces a thread that ends while it loads, again and again.
await processor?.catch(() => {});

/** A task that is done when the thread has loaded everything, and can be ended without harm. */
export function load(): void {}

/** The task of the pool. */
export async function processBatch(task: BatchTask): Promise<WorkerReply> {
  try {
    assert(processor !== undefined, 'batches are processed on worker threads');
    const reply: WorkerReply = { ok: true, result: await (await processor).process(task) };
    return move({ [transferableSymbol]: buffersOf(reply.result), [valueSymbol]: reply }) as unknown as WorkerReply;
  } catch (thrown) {
    if (thrown instanceof SluiceError) return { ok: false, error: thrown.toMessage() };
    throw thrown;
  }
}
