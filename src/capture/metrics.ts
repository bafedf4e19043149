import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** Prometheus metrics of a capture. */
export class CaptureMetrics {
  readonly registry = new Registry();
  readonly events = new Counter({
    name: 'sluice_capture_events_total',
    help: 'Changes in committed transactions',
    labelNames: ['operation'],
    registers: [this.registry],
  });
  readonly transactions = this.#counter('sluice_capture_transactions_total', 'Committed transactions');
  readonly oversize = this.#counter('sluice_capture_oversize_total', 'Changes larger than MAX_MESSAGE_BYTES');
  readonly gaps = this.#counter('sluice_capture_gaps_total', 'Times that lost history was left out');
  readonly position = new Gauge({
    name: 'sluice_capture_position_seconds',
    help: 'Cluster time of the committed position in the change stream, seconds since the epoch',
    registers: [this.registry],
  });
  readonly lag = new Gauge({
    name: 'sluice_capture_lag_seconds',
    help: 'How old the committed position was when it was committed',
    registers: [this.registry],
  });
  readonly tokenAge: Gauge = new Gauge({
    name: 'sluice_capture_token_age_seconds',
    help: 'How old the committed position is now: once it is older than the oplog, history is lost',
    registers: [this.registry],
    collect: () => this.tokenAge.set(this.#positionSeconds === 0 ? 0 : ageOf(this.#positionSeconds)),
  });
  #positionSeconds = 0;

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Counts a committed transaction. @param clusterTime 16 hex digits */
  committed(operations: ReadonlyMap<string, number>, clusterTime: string): void {
    this.transactions.inc();
    for (const [operation, count] of operations) this.events.inc({ operation }, count);
    this.standsAt(clusterTime);
    this.lag.set(ageOf(this.#positionSeconds));
  }

  /** Notes the committed position. @param clusterTime 16 hex digits */
  standsAt(clusterTime: string): void {
    this.#positionSeconds = Number.parseInt(clusterTime.slice(0, 8), 16);
    this.position.set(this.#positionSeconds);
  }

  #counter(name: string, help: string): Counter {
    return new Counter({ name, help, registers: [this.registry] });
  }
}

function ageOf(seconds: number): number {
  return Math.max(0, Date.now() / 1e3 - seconds);
}
