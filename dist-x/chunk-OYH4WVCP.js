import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  reply,
  serve
} from "./chunk-3HZOQQLY.js";
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";

// src/http/monitor.ts
import { setTimeout as sleep } from "node:timers/promises";
var Monitor = class _Monitor {
  #options;
  #monitored;
  #server;
  #failure;
  constructor(options, monitored) {
    this.#options = options;
    this.#monitored = monitored;
    monitored.metrics.up.set(1);
  }
  /** @throws SluiceError SLUICE_CONFIG if the port is taken */
  static async open(options, monitored) {
    const monitor = new _Monitor(options, monitored);
    if (options.port !== 0) monitor.#server = await serve(options.port, monitor.#routes());
    return monitor;
  }
  /** Notes what ended the work. From then on the gauges stay as they are. */
  fail(thrown) {
    const { up, errors } = this.#monitored.metrics;
    this.#failure = thrown instanceof Error ? thrown : new Error(String(thrown));
    up.set(0);
    if (thrown instanceof SluiceError) errors.inc({ code: thrown.code });
  }
  /** Ends it: at once, or after a failure when it was shown for long enough or the process is to stop. */
  async close(log) {
    const { graceMs, signal } = this.#options;
    if (this.#server !== void 0 && this.#failure !== void 0 && graceMs > 0 && !signal.aborted) {
      log.error({ graceMs }, `${this.#health().problem}; metrics stay up for the next scrape, a signal ends this`);
      await sleep(graceMs, void 0, { signal }).catch(() => {
      });
    }
    this.#server?.close();
  }
  #health() {
    if (this.#failure === void 0) return this.#monitored.health();
    const code = this.#failure instanceof SluiceError ? `${this.#failure.code}: ` : "";
    return { problem: `${code}${this.#failure.message}`, ready: false };
  }
  #routes() {
    const { registry } = this.#monitored.metrics;
    return [
      {
        path: "/metrics",
        handle: (_, response) => {
          if (this.#failure === void 0) this.#monitored.refresh();
          registry.metrics().then(
            (text) => reply(response, 200, text, registry.contentType),
            (error) => reply(response, 500, `${error.message}
`)
          );
        }
      },
      {
        path: "/healthz",
        handle: (_, response) => {
          const { problem } = this.#health();
          reply(response, problem === void 0 ? 200 : 503, `${problem ?? "ok"}
`);
        }
      },
      {
        path: "/readyz",
        handle: (_, response) => {
          const { ready } = this.#health();
          reply(response, ready ? 200 : 503, ready ? "ready\n" : "not ready\n");
        }
      }
    ];
  }
};

export {
  Monitor
};
//# sourceMappingURL=chunk-OYH4WVCP.js.map
