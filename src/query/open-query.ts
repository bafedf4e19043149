/** A query with a connection of its own, until its result is taken or given up. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { SluiceError } from '../core/errors.js';
import { INTERRUPT_AGAIN_MS } from './query-server.js';
import { endReading } from './read-only.js';

export class OpenQuery {
  readonly #connection: DuckDBConnection;
  readonly #signal: AbortSignal | undefined;
  readonly #ended: () => void;
  #interrupts: NodeJS.Timeout | undefined;

  /** @param signal ends it @param ended is told once */
  constructor(connection: DuckDBConnection, signal: AbortSignal | undefined, ended: () => void) {
    this.#connection = connection;
    this.#signal = signal;
    this.#ended = ended;
    signal?.addEventListener('abort', this.#interrupt);
  }

  /** Until it has ended: an interrupt that comes just before a statement begins is lost. */
  readonly #interrupt = () => {
    this.#connection.interrupt();
    this.#interrupts = setInterval(() => this.#connection.interrupt(), INTERRUPT_AGAIN_MS);
  };

  /** @param read what `taken` is to be given, or the query has ended with what it throws */
  async start<T>(read: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    try {
      refuseAborted(this.#signal);
      return await read(this.#connection);
    } catch (thrown) {
      await this.#end();
      throw thrown;
    }
  }

  /** The pieces of its result. It ends when all are taken, one fails, or no more are wanted. */
  async *taken<T>(pieces: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* pieces;
    } finally {
      await this.#end();
    }
  }

  /** At once, of a result of which nothing was taken. */
  close(): void {
    this.#leave();
    this.#connection.closeSync();
  }

  async #end(): Promise<void> {
    this.#leave();
    await endReading(this.#connection);
  }

  #leave(): void {
    this.#signal?.removeEventListener('abort', this.#interrupt);
    clearInterval(this.#interrupts);
    this.#ended();
  }
}

/** A signal that was aborted while it was connected tells nobody anymore. */
export function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new SluiceError('SLUICE_QUERY', 'the query was given up before it began');
}
