/**
 * The end of a run in bounded time. A thread that waits for a server cannot be stopped, and a process that exits waits
 * for all its threads: one that waits for longer than it may is ended by whoever has the process, as by `kill -9`. That
 * loses nothing.
 */
import { asSluiceError, SluiceError } from '../core/errors.js';
import type { SinkClient } from '../sinks/sink-client.js';

/** What closing may take. */
const CLOSE_MS = 10_000;

export interface EndingOptions {
  /** Aborted when the run is to end. */
  readonly signal: AbortSignal;
  /** Told what does not end. */
  readonly onStuck?: (error: SluiceError) => void;
}

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
    if (!sink.needsWholeTopic) signal.addEventListener('abort', () => this.#limit(graceMs), { once: true });
  }

  /**
   * The run has done all that it was to do. With a sink on a local disk it waits then for what does not close, until a
   * signal: its outcome is told after that.
   * @param onWaiting told what it waits for
   */
  done(onWaiting: (what: string) => void): void {
    if (this.#sink.needsWholeTopic) this.#onWaiting = onWaiting;
  }

  /** The run has failed with this: it is told with what does not end. */
  failed(thrown: unknown): void {
    this.#failure = thrown;
  }

  /** Closes the parts of a run, beside each other. */
  async close(source: Closable, pool: Closable | undefined, lineage: Closable | undefined): Promise<void> {
    if (!this.#sink.needsWholeTopic) this.#limit(0);
    const others = [
      this.#closed('the Kafka client', source),
      this.#closed('the workers', pool),
      this.#closed('lineage', lineage),
    ];
    await this.#closed('the sink', this.#sink);
    await this.#ended(Promise.all(others));
    clearTimeout(this.#timer);
  }

  async #ended(others: Promise<unknown>): Promise<void> {
    const limit = () => this.#limit(0);
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
  #limit(graceMs: number): void {
    this.#timer ??= setTimeout(() => this.#onStuck(this.#error(graceMs + CLOSE_MS)), graceMs + CLOSE_MS);
  }

  async #closed(name: string, part: Closable | undefined): Promise<void> {
    this.#open.add(name);
    await part?.close().catch(() => {});
    this.#open.delete(name);
  }

  #error(limitMs: number): SluiceError {
    const code = this.#sink.needsWholeTopic ? 'SLUICE_KAFKA' : 'SLUICE_LAKE';
    const stuck =
      `${this.#names} did not end within ${limitMs / 1e3} s: a server that it waits for does not answer. The process ` +
      'is killed, which loses nothing: what was not committed is read again at the next start';
    return this.#told(new SluiceError(code, stuck));
  }

  /** With what the run failed with, if it did. */
  #told(stuck: SluiceError): SluiceError {
    if (this.#failure === undefined) return stuck;
    const failure = asSluiceError(this.#failure, stuck.code, 'the run failed');
    return new SluiceError(failure.code, `${failure.message}; and ${stuck.message}`, { cause: failure });
  }
}
