import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  WorkerPool
} from "./chunk-NXMBWKMU.js";
import {
  SinkClient
} from "./chunk-W6HOR4GN.js";
import {
  Pipeline
} from "./chunk-FBHQ5Z43.js";
import {
  problemOf,
  showStatus
} from "./chunk-W2G25LU4.js";
import {
  reportProgress
} from "./chunk-VIOANQAD.js";
import {
  Metrics
} from "./chunk-OU6JOUIS.js";
import {
  KafkaSource
} from "./chunk-LGQWCH7A.js";
import {
  Monitor
} from "./chunk-S7F6MS65.js";
import {
  Option
} from "./chunk-KL3522I4.js";
import {
  variablesHelp
} from "./chunk-QVWHMW6S.js";
import {
  SECTIONS
} from "./chunk-RSNPQ7RP.js";
import {
  logRemoved
} from "./chunk-KXDMV5BO.js";
import {
  PROPERTIES_TEXT
} from "./chunk-TVFHEO26.js";

// src/commands/run.ts
var COMMIT_SHARE = 1 / 8;
function addRunCommand(program, context) {
  const { environment, stopSignal, stdout, stderr } = context;
  program.command("run").description("consume the topic; prints a JSON summary as the last line on stdout").addHelpText(
    "after",
    variablesHelp(
      SECTIONS.kafka,
      PROPERTIES_TEXT,
      SECTIONS.consumer,
      SECTIONS.worker,
      SECTIONS.pipeline,
      SECTIONS.storage,
      SECTIONS.parquet,
      SECTIONS.compaction,
      SECTIONS.duckdb,
      SECTIONS.schema,
      SECTIONS.process,
      SECTIONS.metrics,
      SECTIONS.log
    )
  ).option("--until-end", "stop at the end offsets that the topic has at the start", false).addOption(
    new Option("--on-lost-offsets <how>", "what to do when Kafka deleted messages before they were read").choices(["fail", "gap"]).default("fail")
  ).action(async (choices) => {
    const { config, log } = environment();
    const terminal = stderr.isTerminal ? stderr : void 0;
    const summary = await run(config, log, { ...choices, signal: stopSignal(), terminal });
    await stdout.write(`${JSON.stringify(summary)}
`);
  });
}
async function run(config, log, options) {
  const { dataDir, spec } = config;
  const { topic } = config.kafka;
  const startMs = performance.now();
  const { batchRows, batchBytes } = config.pipeline;
  const compaction = { ...config.compaction, compression: config.parquet.compression };
  const sink = SinkClient.start({ dataDir, topic, spec, ...config.duckdb, compaction });
  const source = new KafkaSource(config.kafka, log);
  const metrics = new Metrics();
  let pool;
  let monitor;
  let stopProgress = () => {
  };
  let finished;
  try {
    metrics.source.set({ reader: source.reader }, 1);
    const ofWorkers = { spec, topic, dataDir, batchRows, batchBytes, mergeFrom: config.duckdb.mergeFrom };
    pool = new WorkerPool(config.worker.workers, { ...ofWorkers, ...config.parquet, ...config.worker }, log);
    const workers = pool;
    const state = await sink.open();
    logRemoved(log, state.removed);
    const runBatch = workers.run.bind(workers);
    const pipeline = new Pipeline(pipelineOptions(config, options), { source, sink, runBatch, metrics, log });
    const { port, graceMs } = config.metrics;
    monitor = await Monitor.open(
      { port, graceMs: options.untilEnd ? 0 : graceMs, signal: options.signal },
      {
        metrics,
        health: () => ({ problem: problemOf(pipeline.status()), ready: pipeline.status().ready }),
        refresh: () => {
          metrics.workerUtilization.set(workers.utilization);
          showStatus(metrics, pipeline.status());
        }
      }
    );
    const stop = () => {
      log.info("stopping: what is in flight is committed; a second signal ends the process at once");
      pipeline.stop();
    };
    options.signal.addEventListener("abort", stop, { once: true });
    options.onStart?.(pipeline);
    await source.start();
    log.info({ source: source.reader, workers: config.worker.workers }, `consuming ${topic}`);
    warnOfFewThreads(config, log);
    stopProgress = reportProgress(() => pipeline.status(), { terminal: options.terminal, log });
    if (options.signal.aborted) stop();
    await pipeline.run(state);
    finished = pipeline;
  } catch (thrown) {
    monitor?.fail(thrown);
    throw thrown;
  } finally {
    stopProgress();
    await Promise.allSettled([source.close(), pool?.close(), sink.close()]);
    await monitor?.close(log);
  }
  const [stageSeconds, gcSeconds] = await Promise.all([metrics.stageTotals(), metrics.gcSeconds()]);
  return { ...summarize(finished, startMs), source: source.reader, stageSeconds, gcSeconds };
}
function warnOfFewThreads({ worker: { workers }, parquet, threadPoolSize }, log) {
  const wanted = (parquet.parquetWriter === "duckdb" ? workers : 0) + 3;
  if (threadPoolSize >= wanted - 1) return;
  log.warn(`workers and commits share ${threadPoolSize} threads for native work: set UV_THREADPOOL_SIZE=${wanted}`);
}
function pipelineOptions(config, { untilEnd, onLostOffsets }) {
  const { topic, startFrom } = config.kafka;
  const { workers, lateAfterMs } = config.worker;
  const { shutdownGraceMs, pipeline } = config;
  const commitBytes = Math.min(pipeline.bufferBytes / 2, config.duckdb.memoryLimit * COMMIT_SHARE);
  const options = { topic, startFrom, workers, lateAfterMs, shutdownGraceMs, commitBytes, untilEnd, onLostOffsets };
  return { ...pipeline, ...options };
}
function summarize(pipeline, startMs) {
  const seconds = (performance.now() - startMs) / 1e3;
  const { firstCommitMs, idleMs } = pipeline;
  const { totals } = pipeline.status();
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  return {
    ...totals,
    seconds: Number(seconds.toFixed(3)),
    eventsPerSecond: Math.round(totals.events / (seconds - idleMs / 1e3)),
    firstCommitSeconds: firstCommitMs === void 0 ? void 0 : Number((firstCommitMs / 1e3).toFixed(3)),
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    peakRssMiB: Math.round(maxRSS / 1024)
  };
}

export {
  addRunCommand,
  run
};
//# sourceMappingURL=chunk-FICZPKZY.js.map
