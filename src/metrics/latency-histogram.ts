/** A classic histogram that takes the messages of a batch at once, which prom-client's own takes one by one. */
import type { Metric, Registry } from 'prom-client';

/** Seconds: from a lone message on an idle machine to a backlog of an hour. */
const BOUNDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 1800, 3600];

export class LatencyHistogram {
  readonly type = 'histogram';
  readonly labelNames: readonly string[] = [];
  /** Messages of at most each bound, those of the bounds before it included. */
  readonly #counts = BOUNDS.map(() => 0);
  #count = 0;
  #sum = 0;

  constructor(
    readonly name: string,
    readonly help: string,
    registry: Registry,
  ) {
    registry.registerMetric(this as unknown as Metric);
  }

  /** Counts messages whose latencies are spread evenly between two, in seconds. */
  observe(messages: number, shortest: number, longest: number): void {
    for (const [index, bound] of BOUNDS.entries()) {
      const share = longest > shortest ? (bound - shortest) / (longest - shortest) : Number(bound >= longest);
      this.#counts[index] += Math.round(messages * Math.min(1, Math.max(0, share)));
    }
    this.#count += messages;
    this.#sum += (messages * (shortest + longest)) / 2;
  }

  /** Messages of at most each bound, in seconds; all of them are in the last count, which has no bound. */
  counts(): { readonly bounds: readonly number[]; readonly counts: readonly number[] } {
    return { bounds: BOUNDS, counts: [...this.#counts, this.#count] };
  }

  /** What a registry asks a metric for. */
  async get() {
    const { name, help, type } = this;
    const bucket = (le: string, value: number) => ({ labels: { le }, value, metricName: `${name}_bucket` });
    const values = [
      ...BOUNDS.map((bound, index) => bucket(String(bound), this.#counts[index])),
      bucket('+Inf', this.#count),
      { labels: {}, value: this.#sum, metricName: `${name}_sum` },
      { labels: {}, value: this.#count, metricName: `${name}_count` },
    ];
    return { name, help, type, aggregator: 'sum', values };
  }
}
