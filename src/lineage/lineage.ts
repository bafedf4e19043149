/** The lineage of a run: START, RUNNING each interval, and how it ended. It never waits for a server but at the end. */
import type { CommitReceipt } from '../core/flow.js';
import type { Logger } from '../core/log.js';
import { Outbox, type OutboxHooks } from './outbox.js';
import { type EventType, type RunDescription, RunEvents } from './run-event.js';
import type { Transport } from './transports.js';
import { type CommittedRange, WindowBuilder } from './window.js';

export interface LineageOptions {
  readonly run: RunDescription;
  readonly transports: readonly Transport[];
  readonly hooks: OutboxHooks;
}

/** How a run ends: with all that it read committed, without, or by a failure. */
export type RunEnd = Exclude<EventType, 'START' | 'RUNNING'>;

/** A transport and what is to be said to it next: a server that is away does not hold back the file. */
interface Route {
  readonly outbox: Outbox;
  readonly window: WindowBuilder;
}

export class Lineage {
  readonly #events: RunEvents;
  readonly #routes: readonly Route[];
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor({ run, transports, hooks }: LineageOptions, log: Logger) {
    this.#events = new RunEvents(run);
    this.#intervalMs = run.intervalMs;
    const now = new Date();
    this.#routes = transports.map((transport) => ({
      outbox: new Outbox(transport, hooks, log),
      window: new WindowBuilder(now),
    }));
  }

  start(): void {
    for (const route of this.#routes) this.#emit(route, 'START');
    this.#timer = setInterval(() => this.#tick(), this.#intervalMs).unref();
  }

  /** Counts a transaction. @param ranges from where its partitions were to where they are */
  committed(receipt: CommitReceipt, ranges: readonly CommittedRange[]): void {
    for (const { window } of this.#routes) window.add(receipt, ranges);
  }

  /** Says how the run ends, if it has begun and this was not said. */
  end(how: RunEnd, failure?: Error): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const route of this.#routes) this.#emit(route, how, failure);
  }

  /** Waits a few seconds for the last events. */
  async close(): Promise<void> {
    await Promise.all(this.#routes.map(({ outbox }) => outbox.close()));
  }

  /** While the events of a server wait, the window goes on: what they say of counts is complete. */
  #tick(): void {
    for (const route of this.#routes) if (!route.outbox.isFull) this.#emit(route, 'RUNNING');
  }

  #emit({ outbox, window }: Route, type: EventType, failure?: Error): void {
    const now = new Date();
    outbox.add(JSON.stringify(this.#events.event(type, window.close(now), now, failure)));
  }
}
