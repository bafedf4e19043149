/** Prometheus metrics of a run. */
import { Counter, Gauge, Registry } from 'prom-client';
import { BATCH_STAT_LIST, type BatchStat } from '../core/batch-stats.js';
import { type CommitReceipt, type FailedExpectation, NOTHING_RETIRED } from '../core/flow.js';
import { collectProcessMetrics } from '../core/process-metrics.js';
import { LatencyHistogram } from './latency-histogram.js';

export const STAGES = ['idle', 'consume', 'pack', 'wait', 'kernel', 'parquet', 'merge'] as const;
export type Stage = (typeof STAGES)[number];

/** What is counted of each batch. */
const METRICS = BATCH_STAT_LIST.flatMap(([name, { metric }]) => (metric === undefined ? [] : [{ name, metric }]));
type Metric = NonNullable<BatchStat['metric']>;

export class Metrics {
  readonly registry = new Registry();
  readonly up = this.#gauge('sluice_up', '1 while it works, 0 after a failure that ends it');
  readonly build = this.#gauge(
    'sluice_build_info',
    'Always 1; the versions of Sluice, Node and librdkafka, and the sink',
    ...['version', 'node', 'librdkafka', 'sink'],
  );
  readonly events = this.#counter('sluice_events_total', 'Messages consumed from Kafka');
  readonly bytes = this.#counter('sluice_bytes_total', 'Bytes of message values consumed');
  readonly rows = this.#counter('sluice_rows_total', 'Committed messages by outcome', 'outcome');
  readonly rowsFlagged = this.#counter('sluice_rows_flagged_total', 'Committed rows by flag', 'flag');
  readonly expectationFailures = this.#counter(
    'sluice_expectation_failures_total',
    'Committed rows and quarantined messages that fail an expectation of the table spec; of what rows fail together, ' +
      'batches or minutes',
    ...['expectation', 'action'],
  );
  readonly batches = this.#counter('sluice_batches_total', 'Committed batches');
  readonly commits = this.#counter('sluice_commits_total', 'Committed transactions');
  readonly commitRetries = this.#counter(
    'sluice_commit_retries_total',
    'Commits that failed with an error that can pass, and were tried again',
  );
  readonly lastCommit = this.#gauge(
    'sluice_last_commit_timestamp_seconds',
    'When a transaction was committed last, seconds since the epoch; none before the first',
  );
  readonly latency = new LatencyHistogram(
    'sluice_message_latency_seconds',
    'Time from the Kafka timestamp of a message to its commit. The messages of a batch count as spread evenly ' +
      'between its first and its last one; those without a timestamp are left out',
    this.registry,
  );
  readonly fileBytes = this.#counter('sluice_parquet_bytes_total', 'Bytes of committed Parquet files');
  readonly filesCompacted = this.#counter(
    'sluice_files_compacted_total',
    'Small Parquet files joined into larger ones',
  );
  readonly retired = this.#counter(
    'sluice_retired_total',
    'Changes, quarantined messages and Parquet files (files) that left because of their age',
    'what',
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
  readonly workerQueue = this.#gauge('sluice_worker_queue_batches', 'Batches that wait for a free worker thread');
  readonly openBatches = this.#gauge('sluice_open_batches', 'Batches that are filled and not dispatched yet');
  readonly openMessages = this.#gauge('sluice_open_messages', 'Messages in batches that are not dispatched yet');
  readonly chunksInUse = this.#gauge('sluice_chunks_in_use', 'Chunks of shared memory in use');
  readonly lag = this.#gauge('sluice_lag_messages', 'Messages in the log after the committed position', 'partition');
  readonly lagSeconds = this.#gauge(
    'sluice_lag_seconds',
    'Age by Kafka timestamp of the oldest message that was read and is not committed; if the log has messages ' +
      'but none of them was read, of the last one committed; 0 without lag',
    'partition',
  );
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
  readonly workerUtilization = this.#gauge(
    'sluice_worker_utilization',
    "Share of the worker threads' time that was busy since the start",
  );
  readonly freeBytes = this.#gauge('sluice_data_dir_free_bytes', 'Free on the disk of DATA_DIR');
  readonly databaseBytes = this.#gauge(
    'sluice_database_bytes',
    'Size of the database file, or of the catalog of a lake if it is a file',
  );
  readonly walBytes = this.#gauge('sluice_wal_bytes', 'Size of the write-ahead log beside it');
  readonly parquetFiles = this.#gauge(
    'sluice_parquet_files',
    'Parquet files by age: younger than 1h, 1d or 7d, or older; of a lake all in its catalog; counted once a minute',
    'age',
  );
  readonly parquetStoredBytes = this.#gauge('sluice_parquet_stored_bytes', 'Bytes of these files', 'age');
  readonly lineageEvents = this.#counter(
    'sluice_lineage_events_total',
    'Lineage events by what became of them: sent, refused by the server, or lost because the run ended',
    'result',
  );
  readonly lineageRetries = this.#counter(
    'sluice_lineage_retries_total',
    'Attempts to send or write a lineage event that failed and were repeated',
  );

  constructor() {
    collectProcessMetrics(this.registry);
    // From the start on, so that the first increase is seen as one.
    for (const stage of STAGES) this.stageSeconds.inc({ stage }, 0);
    for (const what of Object.keys(NOTHING_RETIRED)) this.retired.inc({ what }, 0);
    for (const { metric } of METRICS) this.#counterOf(metric).inc(metric.labels ?? {}, 0);
    // What is not known yet is not 0.
    for (const gauge of [this.lastCommit, this.freeBytes, this.databaseBytes, this.walBytes]) gauge.remove();
  }

  /** Shows expectations from the start on, so that the first failure is seen as one. */
  expect(expectations: readonly Pick<FailedExpectation, 'name' | 'action'>[]): void {
    for (const { name, action } of expectations) this.expectationFailures.inc({ expectation: name, action }, 0);
  }

  /** Counts a committed group. */
  committed({ stats, commitSeconds, failedExpectations = [] }: CommitReceipt): void {
    this.commits.inc();
    this.lastCommit.setToCurrentTime();
    for (const { name, metric } of METRICS) this.#counterOf(metric).inc(metric.labels ?? {}, Number(stats[name]));
    this.stageSeconds.inc({ stage: 'merge' }, commitSeconds);
    for (const { name, action, failed } of failedExpectations) {
      this.expectationFailures.inc({ expectation: name, action }, failed);
    }
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

  #counterOf({ name }: Metric): Counter {
    return this.registry.getSingleMetric(name) as Counter;
  }

  #counter(name: string, help: string, ...labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #gauge(name: string, help: string, ...labelNames: string[]): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }
}
