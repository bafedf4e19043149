/** Server-sent events: the same event to all who listen, at an interval; nothing is made while nobody does. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { reply } from './server.js';

const MAX_LISTENERS = 16;
const INTERVAL_MS = 1000;

export class EventStream {
  readonly #event: () => Promise<object>;
  readonly #intervalMs: number;
  readonly #listeners = new Set<ServerResponse>();
  #timer: NodeJS.Timeout | undefined;

  constructor(event: () => Promise<object>, intervalMs = INTERVAL_MS) {
    this.#event = event;
    this.#intervalMs = intervalMs;
  }

  readonly listen = (_: IncomingMessage, response: ServerResponse): void => {
    if (this.#listeners.size === MAX_LISTENERS) {
      reply(response, 503, `${MAX_LISTENERS} pages listen already: close one\n`);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    this.#listeners.add(response);
    response.on('close', () => this.#leave(response));
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => void this.#send(this.#listeners), this.#intervalMs);
      this.#timer.unref();
    }
    void this.#send(new Set([response]));
  };

  close(): void {
    for (const listener of this.#listeners) listener.destroy();
  }

  #leave(listener: ServerResponse): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** One that does not keep up gets fewer events, not a queue of them. */
  async #send(listeners: ReadonlySet<ServerResponse>): Promise<void> {
    let text: string;
    try {
      text = JSON.stringify(await this.#event());
    } catch {
      // The next one tells.
      return;
    }
    for (const listener of listeners) {
      if (!listener.writableNeedDrain && !listener.destroyed) listener.write(`data: ${text}\n\n`);
    }
  }
}
