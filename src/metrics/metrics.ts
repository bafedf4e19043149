/** Prometheus metrics of a run. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { BATCH_STAT_LIST } from '../core/batch-stats.js';
import type { CommitReceipt } from '../core/flow.js';

export const STAGES = ['idle', 'consume', 'pack', 'wait', 'kernel', 'parquet', 'merge'] as const;
export type Stage = (typeof STAGES)[number];

export class Metrics {
  readonly registry = new Registry();
  readonly up = this.#gauge('sluice_up', '1 while it works, 0 after a failure that ends it');
  readonly events = this.#counter('sluice_events_total', 'Messages consumed from Kafka');
  readonly bytes = this.#counter('sluice_bytes_total', 'Bytes of message values consumed');
  readonly rows = this.#counter('sluice_rows_total', 'Committed messages by outcome', 'outcome');
  readonly rowsFlagged = this.#counter('sluice_rows_flagged_total', 'Committed rows by flag', 'flag');
  readonly batches = this.#counter('sluice_batches_total', 'Committed batches');
  readonly commits = this.#counter('sluice_commits_total', 'Committed transactions');
  readonly fileBytes = this.#counter('sluice_parquet_bytes_total', 'Bytes of committed Parquet files');
  readonly filesCompacted = this.#counter(
    'sluice_files_compacted_total',
    'Small Parquet files joined into larger ones',
  );
  readonly stageSeconds = this.#counter('sluice_stage_seconds_total', 'Time spent by stage', 'stage');
  readonly backpressureSeconds = this.#counter(
    'sluice_backpressure_seconds_total',
    'Time in which polling stood still because chunks or in-flight batches were used up',
  );
  readonly errors = this.#counter('sluice_errors_total', 'Failures by code', 'code');
  readonly batchesWithoutSchema = this.#gauge('sluice_registry_waiting_batches', 'Batches that wait for a schema');
  readonly unreadableColumns = this.#counter(
    'sluice_schema_problems_total',
    'Columns of the table spec that cannot be read from messages of a schema, each counted once for a schema',
  );
  readonly lostOffsets = this.#counter(
    'sluice_lost_offsets_total',
    'Offsets that Kafka deleted before they were read, and that were skipped',
    'partition',
  );
  readonly inFlightBatches = this.#gauge('sluice_in_flight_batches', 'Batches between dispatch and staging');
  readonly chunksInUse = this.#gauge('sluice_chunks_in_use', 'Chunks of shared memory in use');
  readonly lag = this.#gauge('sluice_lag_messages', 'Messages in the log after the committed position', 'partition');
  readonly lagAge = this.#gauge('sluice_lag_age_seconds', 'How long ago brokers said where the logs end');
  readonly position = this.#gauge('sluice_position', 'Next offset to be committed', 'partition');
  readonly watermark = this.#gauge(
    'sluice_watermark_seconds',
    'Highest committed event time less LATE_AFTER_MS, seconds since the epoch',
    'partition',
  );
  readonly pipelineWatermark = this.#gauge(
    'sluice_pipeline_watermark_seconds',
    'The lowest watermark of the partitions that are not idle',
  );
  readonly source = this.#gauge('sluice_source_info', 'Always 1; which reader takes messages from Kafka', 'reader');
  readonly workerUtilization = this.#gauge('sluice_worker_utilization', 'Share of the worker threads that is busy');

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    for (const stage of STAGES) this.stageSeconds.inc({ stage }, 0);
  }

  /** Counts a committed group. */
  committed({ stats, commitSeconds }: CommitReceipt): void {
    this.commits.inc();
    for (const [name, { metric }] of BATCH_STAT_LIST) {
      if (metric === undefined) continue;
      const counter = this.registry.getSingleMetric(metric.name) as Counter;
      counter.inc(metric.labels ?? {}, Number(stats[name]));
    }
    this.stageSeconds.inc({ stage: 'merge' }, commitSeconds);
  }

  /** Seconds by stage since the start, over all threads. */
  async stageTotals(): Promise<Record<Stage, number>> {
    const { values } = await this.stageSeconds.get();
    const seconds = (stage: Stage) => values.find(({ labels }) => labels.stage === stage)?.value ?? 0;
    return Object.fromEntries(STAGES.map((stage) => [stage, Number(seconds(stage).toFixed(3))])) as Record<
      Stage,
      number
    >;
  }

  /** Seconds that the main thread spent collecting garbage. */
  async gcSeconds(): Promise<number> {
    const durations = await this.registry.getSingleMetric('nodejs_gc_duration_seconds')?.get();
    const sums = (durations?.values ?? []).filter(
      (value) => 'metricName' in value && /_sum$/.test(`${value.metricName}`),
    );
    return Number(sums.reduce((total, { value }) => total + value, 0).toFixed(3));
  }

  #counter(name: string, help: string, ...labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #gauge(name: string, help: string, ...labelNames: string[]): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }
}
