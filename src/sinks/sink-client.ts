/** The sink as the main thread sees it: every call goes to the sink thread, batches by transfer. */
import { Worker } from 'node:worker_threads';
import { SINK_THREAD } from '../assets.js';
import { SluiceError } from '../core/errors.js';
import type {
  BatchResult,
  CommitReceipt,
  CompactionReceipt,
  KnownTopic,
  OffsetGap,
  PartitionStart,
  SinkCall,
  SinkPosition,
  SinkReply,
  SinkState,
} from '../core/flow.js';
import type { Sink, SinkMethod } from '../core/sink.js';
import type { DuckDbSinkOptions } from './duckdb/sink.js';
import { isPostgres } from './ducklake/settings.js';
import type { DuckLakeSinkOptions } from './ducklake/sink.js';

/** Which sink, and what it needs. */
export type SinkOptions =
  | { readonly kind: 'duckdb'; readonly options: DuckDbSinkOptions }
  | { readonly kind: 'ducklake'; readonly options: DuckLakeSinkOptions };

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
  readonly timer: NodeJS.Timeout | undefined;
}

/** An answer of Postgres is waited for as long as for a Postgres that is gone. */
const STANDSTILL_MS = 600_000;
/** Housekeeping reads and writes many files; closing ends with the process, if not before. */
const UNBOUNDED: ReadonlySet<SinkMethod> = new Set(['compact', 'close']);

/** Whether one process reads all partitions: only a catalog in Postgres is of many. */
export function needsWholeTopic(sink: SinkOptions): boolean {
  return sink.kind === 'duckdb' || !isPostgres(sink.options.catalog);
}

export class SinkClient implements Sink {
  readonly needsWholeTopic: boolean;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #nextId = 0;
  #failure: SluiceError | undefined;
  #standstill: SluiceError | undefined;

  private constructor(worker: Worker, needsWholeTopic: boolean) {
    this.#worker = worker;
    this.needsWholeTopic = needsWholeTopic;
    worker.on('message', (reply: SinkReply) => {
      const pending = this.#pending.get(reply.id);
      this.#pending.delete(reply.id);
      clearTimeout(pending?.timer);
      if (reply.ok) pending?.resolve(reply.value);
      else pending?.reject(SluiceError.fromMessage(reply.error));
    });
    worker.on('error', (cause) => this.#fail(`the sink thread failed: ${cause.message}`, cause));
    worker.on('exit', (code) => this.#fail(`the sink thread ended with code ${code}`, undefined));
  }

  /** Why its thread will not end: it waits for a server that does not answer. */
  get standstill(): SluiceError | undefined {
    return this.#standstill;
  }

  static start(sink: SinkOptions): SinkClient {
    return new SinkClient(new Worker(SINK_THREAD, { workerData: sink }), needsWholeTopic(sink));
  }

  open(): Promise<SinkState> {
    return this.#call('open', []);
  }

  setIdentity(identity: KnownTopic): Promise<KnownTopic> {
    return this.#call('setIdentity', [identity]);
  }

  claim(partitions: readonly number[]): Promise<SinkPosition[]> {
    return this.#call('claim', [partitions]);
  }

  release(partitions: readonly number[]): Promise<void> {
    return this.#call('release', [partitions]);
  }

  initPositions(starts: readonly PartitionStart[]): Promise<SinkPosition[]> {
    return this.#call('initPositions', [starts]);
  }

  recordGaps(gaps: readonly OffsetGap[]): Promise<SinkPosition[]> {
    return this.#call('recordGaps', [gaps]);
  }

  stage(batch: BatchResult): Promise<void> {
    const buffers = new Set<ArrayBuffer>();
    if (batch.arrow !== undefined) buffers.add(batch.arrow.buffer as ArrayBuffer);
    for (const { value } of batch.quarantined) if (value !== null) buffers.add(value.buffer as ArrayBuffer);
    return this.#call('stage', [batch], [...buffers]);
  }

  commit(): Promise<CommitReceipt> {
    return this.#call('commit', []);
  }

  compact(): Promise<CompactionReceipt> {
    return this.#call('compact', []);
  }

  /** Closes the database and ends the thread; one that stands still is left to the end of the process. */
  async close(): Promise<void> {
    if (this.#standstill !== undefined) return;
    if (this.#failure === undefined) await this.#call('close', []).catch(() => {});
    await this.#worker.terminate();
  }

  #call<T>(method: SinkMethod, args: readonly unknown[], transfer: ArrayBuffer[] = []): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const call: SinkCall = { id: this.#nextId++, method, args };
    return new Promise<T>((resolve, reject) => {
      const isBounded = !this.needsWholeTopic && !UNBOUNDED.has(method);
      const timer = isBounded ? setTimeout(() => this.#standStill(method), STANDSTILL_MS) : undefined;
      this.#pending.set(call.id, { resolve: resolve as (value: unknown) => void, reject, timer });
      this.#worker.postMessage(call, transfer);
    });
  }

  #standStill(method: SinkMethod): void {
    this.#standstill = new SluiceError(
      'SLUICE_LAKE',
      `the lake has not answered "${method}" for ${STANDSTILL_MS / 1e3} s: Postgres, the way to it, or the store of ` +
        'its files stands still. See to it, and start again: nothing is lost',
    );
    this.#failAll(this.#standstill);
  }

  #fail(message: string, cause: unknown): void {
    this.#failAll(new SluiceError('SLUICE_SINK', message, { cause }));
  }

  #failAll(failure: SluiceError): void {
    this.#failure ??= failure;
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(this.#failure);
    }
    this.#pending.clear();
  }
}
