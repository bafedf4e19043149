/**
 * What can be seen from outside of a process that runs until it is stopped: /metrics, /healthz, /readyz and, of a run,
 * its page. It outlives a failure for a while, so that the code of the failure is in a scrape before the process ends.
 */
import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Counter, Gauge, Registry } from 'prom-client';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import { LivePage, type PageContent } from './page.js';
import { type Route, reply, serve, urlOf } from './server.js';
import type { HttpOptions } from './settings.js';
import type { Snapshot } from './snapshot.js';

export interface Health {
  /** Why it does not work, in a sentence; undefined if it does. */
  readonly problem: string | undefined;
  /** It has what it needs, and works on it. */
  readonly ready: boolean;
  /** What it waits for, in a sentence; undefined for nothing. */
  readonly waitingFor?: string | undefined;
}

/** What is shown. */
export interface Monitored {
  readonly metrics: { readonly registry: Registry; readonly up: Gauge; readonly errors: Counter };
  health(): Health;
  /** Called before each scrape, to bring gauges up to date. */
  refresh(): void;
  /** What the page at / shows besides health; undefined if there is none. */
  readonly page?: Omit<PageContent, 'snapshot'> & { snapshot(): Promise<Omit<Snapshot, keyof HealthShown>> };
}

type HealthShown = Pick<Snapshot, 'problem' | 'waitingFor' | 'ready'>;

export interface MonitorOptions extends HttpOptions {
  /** 0: nothing is served. */
  readonly port: number;
  /** How long a failure is shown. */
  readonly graceMs: number;
  /** Ends that, too. */
  readonly signal: AbortSignal;
}

export class Monitor {
  readonly #options: MonitorOptions;
  readonly #monitored: Monitored;
  readonly #page: LivePage | undefined;
  #server: Server | undefined;
  #failure: Error | undefined;

  private constructor(options: MonitorOptions, monitored: Monitored) {
    this.#options = options;
    this.#monitored = monitored;
    monitored.metrics.up.set(1);
    const { page } = monitored;
    const snapshot = async () => ({ ...(await page!.snapshot()), ...this.#shownHealth() });
    this.#page = page && new LivePage({ ...page, snapshot });
  }

  /** @throws SluiceError SLUICE_CONFIG if it cannot listen there */
  static async open(options: MonitorOptions, monitored: Monitored): Promise<Monitor> {
    const monitor = new Monitor(options, monitored);
    if (options.port === 0) return monitor;
    const page = monitor.#page;
    monitor.#server = await serve(
      { ...options, portName: 'METRICS_PORT' },
      (access) => [...monitor.#routes(), ...(page?.routes(access) ?? [])],
      page?.files.unauthorized,
    );
    return monitor;
  }

  /** Where it is asked; undefined if nothing is served. */
  get url(): string | undefined {
    return this.#server && urlOf(this.#server, this.#options.host);
  }

  /** Notes what ended the work. From then on the gauges stay as they are. */
  fail(thrown: unknown): void {
    const { up, errors } = this.#monitored.metrics;
    this.#failure = thrown instanceof Error ? thrown : new Error(String(thrown));
    up.set(0);
    if (thrown instanceof SluiceError) errors.inc({ code: thrown.code });
  }

  /** Ends it: at once, or after a failure when it was shown for long enough or the process is to stop. */
  async close(log: Logger): Promise<void> {
    const { graceMs, signal } = this.#options;
    if (this.#server !== undefined && this.#failure !== undefined && graceMs > 0 && !signal.aborted) {
      const code = this.#failure instanceof SluiceError ? this.#failure.code : undefined;
      const what = this.#failure.message;
      log.error({ code, graceMs }, `${what}; metrics stay up for the next scrape, a signal ends this`);
      await sleep(graceMs, undefined, { signal }).catch(() => {});
    }
    this.#page?.close();
    this.#server?.close();
  }

  #health(): Health {
    if (this.#failure === undefined) return this.#monitored.health();
    const code = this.#failure instanceof SluiceError ? `${this.#failure.code}: ` : '';
    return { problem: `${code}${this.#failure.message}`, ready: false };
  }

  #shownHealth(): HealthShown {
    const { problem = null, waitingFor = null, ready } = this.#health();
    return { problem, waitingFor, ready };
  }

  #routes(): Route[] {
    const { registry } = this.#monitored.metrics;
    return [
      {
        path: '/metrics',
        kind: 'metrics',
        handle: (_, response) => {
          if (this.#failure === undefined) this.#monitored.refresh();
          registry.metrics().then(
            (text) => reply(response, 200, text, registry.contentType),
            (error: Error) => reply(response, 500, `${error.message}\n`),
          );
        },
      },
      {
        path: '/healthz',
        kind: 'health',
        handle: (_, response) => {
          const { problem, waitingFor } = this.#health();
          const waiting = waitingFor === undefined ? '' : `; waiting: ${waitingFor}`;
          reply(response, problem === undefined ? 200 : 503, `${problem ?? 'ok'}${waiting}\n`);
        },
      },
      {
        path: '/readyz',
        kind: 'health',
        handle: (_, response) => {
          const { ready, waitingFor } = this.#health();
          const why = waitingFor === undefined ? '' : `: ${waitingFor}`;
          reply(response, ready ? 200 : 503, ready ? 'ready\n' : `not ready${why}\n`);
        },
      },
    ];
  }
}
