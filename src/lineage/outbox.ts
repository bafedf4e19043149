/**
 * Events on their way to one transport: in order, one at a time, again after a failure that can pass. It has room for a
 * few; when it is full, a window is to go on instead of ending in an event that would be lost.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../core/log.js';
import { Refused, type Transport } from './transports.js';

/** What became of an event. */
export const RESULTS = ['sent', 'refused', 'lost'] as const;
export type Result = (typeof RESULTS)[number];

export interface OutboxHooks {
  readonly onResult: (result: Result) => void;
  /** Told of each attempt that failed and is repeated. */
  readonly onRetry: () => void;
}

const MAX_EVENTS = 16;
const [FIRST_PAUSE_MS, MAX_PAUSE_MS] = [1000, 60_000];
/** How long the end of a run waits for what is not sent yet. */
const CLOSE_MS = 5000;

export class Outbox {
  readonly #transport: Transport;
  readonly #hooks: OutboxHooks;
  readonly #log: Logger;
  readonly #events: string[] = [];
  /** Ends pauses, and an attempt. */
  readonly #closed = new AbortController();
  #sending: Promise<void> | undefined;
  /** Ends the pause that is under way. */
  #wake = new AbortController();
  #isClosing = false;
  #hasFailed = false;

  constructor(transport: Transport, hooks: OutboxHooks, log: Logger) {
    this.#transport = transport;
    this.#hooks = hooks;
    this.#log = log;
  }

  get isFull(): boolean {
    return this.#events.length >= MAX_EVENTS;
  }

  /** Takes an event, full or not: the last one of a run always has room. */
  add(event: string): void {
    this.#events.push(event);
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  /** Sends what is left, each event once more at most; what cannot be sent within a few seconds is lost, and said. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#wake.abort();
    const timer = setTimeout(() => this.#closed.abort(), CLOSE_MS);
    // A file that is a pipe without a reader takes no notice of the signal.
    await Promise.race([this.#sending, once(this.#closed.signal, 'abort')]);
    clearTimeout(timer);
    if (this.#events.length === 0) return;
    this.#log.warn({ events: this.#events.length }, `${this.#transport.name}: lineage events are lost, the run ends`);
    for (const _ of this.#events.splice(0)) this.#hooks.onResult('lost');
  }

  async #sendAll(): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; this.#events.length > 0 && !this.#closed.signal.aborted; ) {
      const isLastTry = this.#isClosing;
      if (await this.#sendFirst()) pauseMs = FIRST_PAUSE_MS;
      else if (isLastTry) return;
      else pauseMs = await this.#pause(pauseMs);
    }
  }

  /** @returns false if it is to be tried again */
  async #sendFirst(): Promise<boolean> {
    try {
      await this.#transport.send(this.#events[0], this.#closed.signal);
      if (this.#hasFailed) this.#log.info(`${this.#transport.name} takes lineage events again`);
      this.#hasFailed = false;
      this.#done('sent');
    } catch (thrown) {
      const why = `${this.#transport.name}: ${reasonOf(thrown)}`;
      if (!(thrown instanceof Refused)) {
        if (!this.#hasFailed) this.#log.warn(`${why}; lineage events wait, and data goes on`);
        this.#hasFailed = true;
        this.#hooks.onRetry();
        return false;
      }
      this.#log.warn(`${why}; the server refuses a lineage event: see its address and key`);
      this.#done('refused');
    }
    return true;
  }

  #done(result: Result): void {
    this.#events.shift();
    this.#hooks.onResult(result);
  }

  /** @returns how long the next one is */
  async #pause(pauseMs: number): Promise<number> {
    if (this.#isClosing) return pauseMs;
    this.#wake = new AbortController();
    await sleep(pauseMs, undefined, { signal: this.#wake.signal, ref: false }).catch(() => {});
    return Math.min(pauseMs * 2, MAX_PAUSE_MS);
  }
}

/** What `fetch` says is in its cause. */
function reasonOf(thrown: unknown): string {
  const { message, cause } = thrown as Error;
  if (!(cause instanceof Error)) return message;
  return cause.message || String((cause as NodeJS.ErrnoException).code);
}
