import { Counter, Gauge, Registry } from 'prom-client';
import { collectProcessMetrics } from '../core/process-metrics.js';

/** Prometheus metrics of a capture. */
export class CaptureMetrics {
  readonly registry = new Registry();
  readonly up = new Gauge({
    name: 'sluice_up',
    help: '1 while it works, 0 after a failure that ends it',
    registers: [this.registry],
  });
  readonly build = new Gauge({
    name: 'sluice_build_info',
    help: 'Always 1; the versions of Sluice, Node and librdkafka',
    labelNames: ['version', 'node', 'librdkafka'],
    registers: [this.registry],
  });
  readonly errors = new Counter({
    name: 'sluice_errors_total',
    help: 'Failures by code',
    labelNames: ['code'],
    registers: [this.registry],
  });
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
    collect: () => this.tokenAge.set(this.positionAgeSeconds),
  });
  readonly oplogWindow: Gauge = new Gauge({
    name: 'sluice_capture_oplog_window_seconds',
    help: 'How old the oldest entry of the oplog is, which is asked for once a minute; none where it may not be read',
    registers: [this.registry],
    collect: () => {
      if (this.#oplogSeconds === undefined) this.oplogWindow.remove();
      else this.oplogWindow.set(ageOf(this.#oplogSeconds));
    },
  });
  readonly lastCommit = new Gauge({
    name: 'sluice_capture_last_commit_timestamp_seconds',
    help: 'When a transaction was committed last, seconds since the epoch; none before the first',
    registers: [this.registry],
  });
  /** In committed transactions. */
  changes = 0;
  #positionSeconds = 0;
  #oplogSeconds: number | undefined;

  constructor() {
    collectProcessMetrics(this.registry);
    // What is not known yet is not 0.
    this.lastCommit.remove();
  }

  /** How old the committed position is now; 0 if there is none. */
  get positionAgeSeconds(): number {
    return this.#positionSeconds === 0 ? 0 : ageOf(this.#positionSeconds);
  }

  /** Counts a committed transaction. @param clusterTime 16 hex digits */
  committed(operations: ReadonlyMap<string, number>, clusterTime: string): void {
    this.transactions.inc();
    this.lastCommit.setToCurrentTime();
    for (const [operation, count] of operations) {
      this.events.inc({ operation }, count);
      this.changes += count;
    }
    this.standsAt(clusterTime);
    this.lag.set(ageOf(this.#positionSeconds));
  }

  /** Notes the committed position. @param clusterTime 16 hex digits */
  standsAt(clusterTime: string): void {
    this.#positionSeconds = secondsOf(clusterTime);
    this.position.set(this.#positionSeconds);
  }

  /** Notes when the oplog begins, seconds since the epoch; undefined if that is not known. */
  oplogBegins(seconds: number | undefined): void {
    this.#oplogSeconds = seconds;
  }

  #counter(name: string, help: string): Counter {
    return new Counter({ name, help, registers: [this.registry] });
  }
}

/** Seconds since the epoch. @param clusterTime 16 hex digits */
export function secondsOf(clusterTime: string): number {
  return Number.parseInt(clusterTime.slice(0, 8), 16);
}

function ageOf(seconds: number): number {
  return Math.max(0, Date.now() / 1e3 - seconds);
}
