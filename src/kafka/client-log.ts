/** The log of what a Kafka client reports while it keeps trying: the same line may come many times in a second. */
import type { LibrdKafkaError } from '@confluentinc/kafka-javascript';
import type { Logger } from '../core/log.js';

const WINDOW_MS = 60_000;
/** Messages that are told apart. */
const MAX_MESSAGES = 100;

export class ClientLog {
  readonly #log: Logger;
  readonly #seen = new Map<string, { sinceMs: number; more: number }>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Logs a message at once if it is the first of its kind in a minute; equal ones are counted on the next line. */
  warn({ code, message }: Pick<LibrdKafkaError, 'code' | 'message'>): void {
    const nowMs = performance.now();
    const seen = this.#seen.get(message);
    if (seen !== undefined && nowMs < seen.sinceMs + WINDOW_MS) {
      seen.more++;
      return;
    }
    if (this.#seen.size >= MAX_MESSAGES) this.#seen.clear();
    this.#seen.set(message, { sinceMs: nowMs, more: 0 });
    const more = seen === undefined || seen.more === 0 ? '' : `; ${seen.more} more of the same since the last line`;
    this.#log.warn({ code }, `Kafka: ${message}${more}`);
  }
}
