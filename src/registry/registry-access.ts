/** A registry that may be down for a while: who needs its answer asks until it comes. */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import { type ClientOptions, RegistryClient } from './client.js';

export class RegistryAccess {
  readonly url: string;
  readonly client: RegistryClient;
  readonly #onError: (error: SluiceError) => void;
  readonly #log: Logger;
  readonly #closed = new AbortController();
  #outage: SluiceError | undefined;
  #backSinceMs = 0;

  /** @param onError told of each request that failed */
  constructor(options: ClientOptions, onError: (error: SluiceError) => void, log: Logger) {
    this.url = options.url;
    this.client = new RegistryClient(options);
    this.#onError = onError;
    this.#log = log;
    // Each schema that is waited for is one.
    setMaxListeners(0, this.#closed.signal);
  }

  /** What it failed with last, until it answers again. */
  get outage(): SluiceError | undefined {
    return this.#outage;
  }

  /** When the last outage ended; `performance.now()`. */
  get backSinceMs(): number {
    return this.#backSinceMs;
  }

  /** One attempt, whose failure is told. @returns undefined if it failed. @throws when it is closed */
  async ask<T>(request: (client: RegistryClient) => Promise<T>): Promise<{ readonly found: T } | undefined> {
    try {
      const found = await request(this.client);
      this.#answered();
      return { found };
    } catch (thrown) {
      if (this.#closed.signal.aborted || !(thrown instanceof SluiceError)) throw thrown;
      this.#failed(thrown);
      return undefined;
    }
  }

  /** Between two attempts. @throws when it is closed */
  async pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#closed.signal });
  }

  /** Ends all waiting. */
  close(): void {
    this.#closed.abort();
    this.client.close();
  }

  #failed(error: SluiceError): void {
    this.#onError(error);
    if (this.#outage === undefined) {
      const { code, message } = error;
      this.#log.warn({ code }, `${message}; batches of schemas that are not known yet wait until it is back`);
    }
    this.#outage = error;
  }

  #answered(): void {
    if (this.#outage === undefined) return;
    this.#log.info('the schema registry answers again');
    this.#outage = undefined;
    this.#backSinceMs = performance.now();
  }
}
