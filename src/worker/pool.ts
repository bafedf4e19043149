/** The dispatch side of the worker threads. */
import { Piscina } from 'piscina';
import { WORKER_THREAD } from '../assets.js';
import { SluiceError } from '../core/errors.js';
import type { BatchResult, BatchTask } from '../core/flow.js';
import type { Logger } from '../core/log.js';
import { withRetries } from '../core/retry.js';
import type { WorkerOptions, WorkerReply } from './worker.js';

/** Gives batches to a fixed number of worker threads; results come in any order. */
export class WorkerPool {
  readonly #piscina: Piscina<BatchTask, WorkerReply>;
  /** Settles when each thread has loaded its code, and waits for tasks, or has failed to. */
  readonly #loaded: Promise<unknown>;
  readonly #tasks = new Set<Promise<unknown>>();
  readonly #log: Pick<Logger, 'error' | 'warn'>;
  readonly #closing = new AbortController();

  constructor(
    readonly workers: number,
    options: WorkerOptions,
    log: Pick<Logger, 'error' | 'warn'>,
  ) {
    this.#log = log;
    this.#piscina = new Piscina<BatchTask, WorkerReply>({
      filename: WORKER_THREAD.href,
      name: 'processBatch',
      minThreads: workers,
      maxThreads: workers,
      workerData: options,
      recordTiming: true,
    });
    // A thread that dies also rejects its task: the failure is handled there.
    this.#piscina.on('error', () => {});
    // Each thread gets one of these tasks, as it has one at a time.
    const loads = Array.from({ length: workers }, () => this.#piscina.run(undefined as never, { name: 'load' }));
    this.#loaded = Promise.allSettled(loads);
  }

  /**
   * Again after a failure that passes.
   * @throws SluiceError of the worker, or SLUICE_WORKER when its thread died or the pool is closing
   */
  run(task: BatchTask): Promise<BatchResult> {
    const onRetry = (error: SluiceError, pauseMs: number) => {
      // A disk that is full is as full after a pause: the run ends, and reads it again.
      if (error.patienceMs === 0) throw error;
      this.#log.warn({ code: error.code, pauseMs }, `${error.message}; retrying the batch`);
    };
    return withRetries(() => this.#run(task), { onRetry, signal: this.#closing.signal });
  }

  async #run(task: BatchTask): Promise<BatchResult> {
    // Its thread would be ended amid it.
    if (this.#closing.signal.aborted) throw new SluiceError('SLUICE_WORKER', 'the workers are ending');
    let reply: WorkerReply;
    const running = this.#piscina.run(task);
    this.#tasks.add(running);
    try {
      reply = await running;
    } catch (cause) {
      const range = `partition ${task.partition}, offsets ${task.startOffset} to ${task.nextOffset}`;
      const what = `a worker failed on ${range}: ${(cause as Error).message}`;
      const message = `${what}. Nothing of it was committed: start again`;
      throw new SluiceError('SLUICE_WORKER', message, { cause });
    } finally {
      this.#tasks.delete(running);
    }
    if (!reply.ok) throw SluiceError.fromMessage(reply.error);
    if (reply.result.kernelTrap !== undefined) this.#logTrap(reply.result);
    return reply.result;
  }

  #logTrap({ partition, startOffset, nextOffset, quarantined, kernelTrap }: BatchResult): void {
    const offsets = quarantined.filter(({ status }) => status === 'kernel_trap').map(({ offset }) => offset);
    const outcome =
      offsets.length === 0
        ? 'a new instance read the whole batch'
        : `quarantined as kernel_trap: offset ${offsets.join(', ')}; the batch continues without`;
    this.#log.error(
      { code: 'SLUICE_KERNEL', partition, startOffset, nextOffset, offsets },
      `the WASM kernel trapped on partition ${partition}: ${kernelTrap}. This is a bug of Sluice; ${outcome}`,
    );
  }

  /** Share of the threads' time spent on tasks since the start, 0 to 1. */
  get utilization(): number {
    return this.#piscina.utilization;
  }

  /** Tasks that no thread has yet. */
  get queued(): number {
    return this.#piscina.queueSize;
  }

  /** Takes no more tasks, and stops the threads once those that they have are done; their results are dropped. */
  async close(): Promise<void> {
    // The process is aborted when a thread is ended while it loads an ES module, or while DuckDB works for it.
    this.#closing.abort();
    await this.#loaded;
    await Promise.allSettled(this.#tasks);
    await this.#piscina.destroy();
  }
}
