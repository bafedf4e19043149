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
}

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

  private constructor(worker: Worker, needsWholeTopic: boolean) {
    this.#worker = worker;
    this.needsWholeTopic = needsWholeTopic;
    worker.on('message', (reply: SinkReply) => {
      const pending = this.#pending.get(reply.id);
      this.#pending.delete(reply.id);
      if (reply.ok) pending?.resolve(reply.value);
      else pending?.reject(SluiceError.fromMessage(reply.error));
    });
    worker.on('error', (cause) => this.#fail(`the sink thread failed: ${cause.message}`, cause));
    worker.on('exit', (code) => this.#fail(`the sink thread ended with code ${code}`, undefined));
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

  /** Closes the database and ends the thread. */
  async close(): Promise<void> {
    if (this.#failure === undefined) await this.#call('close', []).catch(() => {});
    await this.#worker.terminate();
  }

  #call<T>(method: SinkMethod, args: readonly unknown[], transfer: ArrayBuffer[] = []): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const call: SinkCall = { id: this.#nextId++, method, args };
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(call.id, { resolve: resolve as (value: unknown) => void, reject });
      this.#worker.postMessage(call, transfer);
    });
  }

  #fail(message: string, cause: unknown): void {
    this.#failure ??= new SluiceError('SLUICE_SINK', message, { cause });
    for (const { reject } of this.#pending.values()) reject(this.#failure);
    this.#pending.clear();
  }
}
