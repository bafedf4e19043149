import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  BATCH_STAT_LIST
} from "./chunk-35ENZBND.js";
import {
  require_prom_client
} from "./chunk-54DXXXXG.js";
import {
  __toESM
} from "./chunk-YJDLZ72D.js";

// src/metrics/metrics.ts
var import_prom_client = __toESM(require_prom_client(), 1);
var STAGES = ["idle", "consume", "pack", "wait", "kernel", "parquet", "merge"];
var Metrics = class {
  registry = new import_prom_client.Registry();
  up = this.#gauge("sluice_up", "1 while it works, 0 after a failure that ends it");
  events = this.#counter("sluice_events_total", "Messages consumed from Kafka");
  bytes = this.#counter("sluice_bytes_total", "Bytes of message values consumed");
  rows = this.#counter("sluice_rows_total", "Committed messages by outcome", "outcome");
  rowsFlagged = this.#counter("sluice_rows_flagged_total", "Committed rows by flag", "flag");
  batches = this.#counter("sluice_batches_total", "Committed batches");
  commits = this.#counter("sluice_commits_total", "Committed transactions");
  fileBytes = this.#counter("sluice_parquet_bytes_total", "Bytes of committed Parquet files");
  filesCompacted = this.#counter(
    "sluice_files_compacted_total",
    "Small Parquet files joined into larger ones"
  );
  stageSeconds = this.#counter("sluice_stage_seconds_total", "Time spent by stage", "stage");
  backpressureSeconds = this.#counter(
    "sluice_backpressure_seconds_total",
    "Time in which polling stood still because chunks or in-flight batches were used up"
  );
  errors = this.#counter("sluice_errors_total", "Failures by code", "code");
  lostOffsets = this.#counter(
    "sluice_lost_offsets_total",
    "Offsets that Kafka deleted before they were read, and that were skipped",
    "partition"
  );
  inFlightBatches = this.#gauge("sluice_in_flight_batches", "Batches between dispatch and staging");
  chunksInUse = this.#gauge("sluice_chunks_in_use", "Chunks of shared memory in use");
  lag = this.#gauge("sluice_lag_messages", "Messages in the log after the committed position", "partition");
  position = this.#gauge("sluice_position", "Next offset to be committed", "partition");
  watermark = this.#gauge(
    "sluice_watermark_seconds",
    "Highest committed event time less LATE_AFTER_MS, seconds since the epoch",
    "partition"
  );
  pipelineWatermark = this.#gauge(
    "sluice_pipeline_watermark_seconds",
    "The lowest watermark of the partitions that are not idle"
  );
  source = this.#gauge("sluice_source_info", "Always 1; which reader takes messages from Kafka", "reader");
  workerUtilization = this.#gauge("sluice_worker_utilization", "Share of the worker threads that is busy");
  constructor() {
    (0, import_prom_client.collectDefaultMetrics)({ register: this.registry });
    for (const stage of STAGES) this.stageSeconds.inc({ stage }, 0);
  }
  /** Counts a committed group. */
  committed({ stats, commitSeconds }) {
    this.commits.inc();
    for (const [name, { metric }] of BATCH_STAT_LIST) {
      if (metric === void 0) continue;
      const counter = this.registry.getSingleMetric(metric.name);
      counter.inc(metric.labels ?? {}, Number(stats[name]));
    }
    this.stageSeconds.inc({ stage: "merge" }, commitSeconds);
  }
  /** Seconds by stage since the start, over all threads. */
  async stageTotals() {
    const { values } = await this.stageSeconds.get();
    const seconds = (stage) => values.find(({ labels }) => labels.stage === stage)?.value ?? 0;
    return Object.fromEntries(STAGES.map((stage) => [stage, Number(seconds(stage).toFixed(3))]));
  }
  /** Seconds that the main thread spent collecting garbage. */
  async gcSeconds() {
    const durations = await this.registry.getSingleMetric("nodejs_gc_duration_seconds")?.get();
    const sums = (durations?.values ?? []).filter(
      (value) => "metricName" in value && /_sum$/.test(`${value.metricName}`)
    );
    return Number(sums.reduce((total, { value }) => total + value, 0).toFixed(3));
  }
  #counter(name, help, ...labelNames) {
    return new import_prom_client.Counter({ name, help, labelNames, registers: [this.registry] });
  }
  #gauge(name, help, ...labelNames) {
    return new import_prom_client.Gauge({ name, help, labelNames, registers: [this.registry] });
  }
};

export {
  STAGES,
  Metrics
};
//# sourceMappingURL=chunk-OU6JOUIS.js.map
