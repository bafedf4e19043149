import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  require_prom_client
} from "./chunk-54DXXXXG.js";
import {
  __toESM
} from "./chunk-YJDLZ72D.js";

// src/capture/metrics.ts
var import_prom_client = __toESM(require_prom_client(), 1);
var CaptureMetrics = class {
  registry = new import_prom_client.Registry();
  up = new import_prom_client.Gauge({
    name: "sluice_up",
    help: "1 while it works, 0 after a failure that ends it",
    registers: [this.registry]
  });
  errors = new import_prom_client.Counter({
    name: "sluice_errors_total",
    help: "Failures by code",
    labelNames: ["code"],
    registers: [this.registry]
  });
  events = new import_prom_client.Counter({
    name: "sluice_capture_events_total",
    help: "Changes in committed transactions",
    labelNames: ["operation"],
    registers: [this.registry]
  });
  transactions = this.#counter("sluice_capture_transactions_total", "Committed transactions");
  oversize = this.#counter("sluice_capture_oversize_total", "Changes larger than MAX_MESSAGE_BYTES");
  gaps = this.#counter("sluice_capture_gaps_total", "Times that lost history was left out");
  position = new import_prom_client.Gauge({
    name: "sluice_capture_position_seconds",
    help: "Cluster time of the committed position in the change stream, seconds since the epoch",
    registers: [this.registry]
  });
  lag = new import_prom_client.Gauge({
    name: "sluice_capture_lag_seconds",
    help: "How old the committed position was when it was committed",
    registers: [this.registry]
  });
  tokenAge = new import_prom_client.Gauge({
    name: "sluice_capture_token_age_seconds",
    help: "How old the committed position is now: once it is older than the oplog, history is lost",
    registers: [this.registry],
    collect: () => this.tokenAge.set(this.#positionSeconds === 0 ? 0 : ageOf(this.#positionSeconds))
  });
  #positionSeconds = 0;
  constructor() {
    (0, import_prom_client.collectDefaultMetrics)({ register: this.registry });
  }
  /** Counts a committed transaction. @param clusterTime 16 hex digits */
  committed(operations, clusterTime) {
    this.transactions.inc();
    for (const [operation, count] of operations) this.events.inc({ operation }, count);
    this.standsAt(clusterTime);
    this.lag.set(ageOf(this.#positionSeconds));
  }
  /** Notes the committed position. @param clusterTime 16 hex digits */
  standsAt(clusterTime) {
    this.#positionSeconds = Number.parseInt(clusterTime.slice(0, 8), 16);
    this.position.set(this.#positionSeconds);
  }
  #counter(name, help) {
    return new import_prom_client.Counter({ name, help, registers: [this.registry] });
  }
};
function ageOf(seconds) {
  return Math.max(0, Date.now() / 1e3 - seconds);
}

export {
  CaptureMetrics
};
//# sourceMappingURL=chunk-SIV4BNGZ.js.map
