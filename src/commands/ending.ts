/**
 * The end of a run in bounded time. A thread that waits for a server or a disk cannot be stopped, and a process that
 * exits waits for all its threads: one that waits for longer than it may is ended by whoever has the process, as by
 * `kill -9`. That loses nothing.
 */
import { asSluiceError, type ErrorCode, SluiceError } from '../core/errors.js';
import type { SinkClient } from '../sinks/sink-client.js';

/** What closing may take; what takes longer is told of. */
const CLOSE_MS = 10_000;
/** What that of a sink on a local disk may take: it ends a COMMIT that is under way, and a checkpoint. */
const LOCAL_SINK_MS = 600_000;

export interface EndingOptions {
  /** Aborted when the run is to end. */
  readonly signal: AbortSignal;
  /** Told what does not end. */
  readonly onStuck?: (error: SluiceError) => void;
}

const SINK = 'the sink';

interface Closable {
  close(): Promise<unknown>;
}

export class Ending {
  readonly #sink: Pick<SinkClient, 'needsWholeTopic' | 'standstill' | 'close'>;
  readonly #onStuck: (error: SluiceError) => void;
  readonly #signal: AbortSignal;
  readonly #open = new Set<string>();
  #onWaiting: ((what: string) => void) | undefined;
  #failure: unknown;
  #onFailed: ((error: SluiceError) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param graceMs from the signal to closing */
  constructor(
    sink: Pick<SinkClient, 'needsWholeTopic' | 'standstill' | 'close'>,
    { signal, onStuck = () => {} }: EndingOptions,
    graceMs: number,
  ) {
    this.#sink = sink;
    this.#onStuck = onStuck;
    this.#signal = signal;
    // What another sink does on a local disk may take its time.
    if (!sink.needsWholeTopic) signal.addEventListener('abort', () => this.#limit(graceMs + CLOSE_MS), { once: true });
  }

  /**
   * The run has done all that it was to do. With a sink on a local disk it waits then for what does not close, until a
   * signal: its outcome is told after that.
   * @param onWaiting told what it waits for
   */
  done(onWaiting: (what: string) => void): void {
    if (this.#sink.needsWholeTopic) this.#onWaiting = onWaiting;
  }

  /**
   * The run has failed with this: it is told with what does not end.
   * @param onWaiting told it, too, while a sink on a local disk takes long to close
   */
  failed(thrown: unknown, onWaiting: (error: SluiceError) => void): void {
    this.#failure = thrown;
    if (this.#sink.needsWholeTopic) this.#onFailed = onWaiting;
  }

  /** Closes the parts of a run, beside each other. */
  async close(source: Closable, pool: Closable | undefined, lineage: Closable | undefined): Promise<void> {
    const isLocal = this.#sink.needsWholeTopic;
    this.#limit(isLocal ? LOCAL_SINK_MS : CLOSE_MS);
    const others = [
      this.#closed('the Kafka client', source),
      this.#closed('the workers', pool),
      this.#closed('lineage', lineage),
    ];
    await this.#sinkClosed();
    // The others have a limit of their own.
    if (isLocal) this.#unlimit();
    await this.#ended(Promise.all(others));
    this.#unlimit();
  }

  async #sinkClosed(): Promise<void> {
    const tell = () => this.#onFailed?.(this.#told(new SluiceError('SLUICE_SINK', `still waiting for ${this.#names}`)));
    const waiting = setTimeout(tell, CLOSE_MS);
    await this.#closed(SINK, this.#sink);
    clearTimeout(waiting);
  }

  async #ended(others: Promise<unknown>): Promise<void> {
    const limit = () => this.#limit(CLOSE_MS);
    if (this.#onWaiting === undefined || this.#signal.aborted) limit();
    else this.#signal.addEventListener('abort', limit, { once: true });
    const tell = () => this.#onWaiting?.(`all is committed; still waiting for ${this.#names} to end`);
    const waiting = setTimeout(tell, CLOSE_MS);
    await others;
    clearTimeout(waiting);
    this.#signal.removeEventListener('abort', limit);
  }

  get #names(): string {
    return this.#open.size === 0 ? 'the run' : [...this.#open].join(' and ');
  }

  /** After all else: a thread that was given up is still there. */
  over(): void {
    const { standstill } = this.#sink;
    if (standstill !== undefined) this.#onStuck(this.#failure === standstill ? standstill : this.#told(standstill));
  }

  /** The first one counts. */
  #limit(limitMs: number): void {
    this.#timer ??= setTimeout(() => this.#onStuck(this.#error(limitMs)), limitMs);
  }

  #unlimit(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #closed(name: string, part: Closable | undefined): Promise<void> {
    this.#open.add(name);
    await part?.close().catch(() => {});
    this.#open.delete(name);
  }

  #error(limitMs: number): SluiceError {
    const stuck =
      `${this.#names} did not end within ${limitMs / 1e3} s: a server or a disk that it waits for does not answer. ` +
      'The process is killed, which loses nothing: what was not committed is read again at the next start';
    return this.#told(new SluiceError(this.#stuckCode, stuck));
  }

  get #stuckCode(): ErrorCode {
    if (!this.#sink.needsWholeTopic) return 'SLUICE_LAKE';
    return this.#open.has(SINK) ? 'SLUICE_SINK' : 'SLUICE_KAFKA';
  }

  /** With what the run failed with, if it did. */
  #told(stuck: SluiceError): SluiceError {
    if (this.#failure === undefined) return stuck;
    const failure = asSluiceError(this.#failure, stuck.code, 'the run failed');
    return new SluiceError(failure.code, `${failure.message}; and ${stuck.message}`, { cause: failure });
  }
}
