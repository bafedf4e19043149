/** `sluice run`: puts the parts together and keeps them running. */
import { type Command, Option } from 'commander';
import { type Config, SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import { type Logger, logRemoved } from '../core/log.js';
import type { ProgressLine } from '../core/progress-line.js';
import type { ReaderKind } from '../core/source.js';
import { type Health, Monitor, type Monitored } from '../http/monitor.js';
import type { PrefixHeaders } from '../kafka/kafka-properties.js';
import { PROPERTIES_TEXT } from '../kafka/settings.js';
import type { Metrics, Stage } from '../metrics/metrics.js';
import { Pipeline, type PipelineOptions } from '../pipeline/pipeline.js';
import { runProgress } from '../pipeline/progress.js';
import { type PipelineStatus, problemOf, showStatus } from '../pipeline/status.js';
import type { RunTotals } from '../pipeline/totals.js';
import type { SqlClient } from '../query/sql-client.js';
import { SCHEMA_HEADERS } from '../registry/frame.js';
import type { SchemaStore } from '../registry/schema-store.js';
import { framedFormats } from '../registry/settings.js';
import { hasMasks } from '../schema/mask.js';
import { needsMaskKey } from '../schema/mask-key.js';
import { SinkClient } from '../sinks/sink-client.js';
import { changesFolder } from '../storage/lake-files.js';
import { isObjectStore } from '../storage/object-store.js';
import { WorkerPool } from '../worker/pool.js';
import type { WorkerOptions } from '../worker/worker.js';
import type { CommandContext } from './context.js';
import { Ending } from './ending.js';
import { pageContent, snapshotOf } from './page-content.js';
import { diskGauges, metricsOf } from './run-gauges.js';
import { committedRanges, runLineage } from './run-lineage.js';
import { sinkOptions } from './sink-options.js';
import { fewThreads } from './thread-pool.js';
import { variablesHelp } from './variables-help.js';

/** Of DuckDB's memory: the messages of a transaction, whose rows are in memory more than once until it is committed. */
const COMMIT_SHARE = 1 / 8;

export interface RunOptions {
  readonly untilEnd: boolean;
  /** What becomes of a position whose next messages Kafka has deleted. */
  readonly onLostOffsets: 'fail' | 'gap';
  /** What becomes of messages whose schema the registry does not have; default fail. */
  readonly onUnknownSchema?: 'fail' | 'quarantine';
  /** Aborting it drains and commits what was read, then ends the run. */
  readonly signal: AbortSignal;
  /** Shows how far it is; default: nothing does. */
  readonly progress?: ProgressLine;
  /** Told the pipeline before it reads. */
  readonly onStart?: (pipeline: Pipeline) => void;
  /** Told why threads of the process wait for a server that does not answer: only a kill ends them. */
  readonly onStuck?: (error: SluiceError) => void;
}

/** What `run` prints as its last line: all of its life but the start and the end of the process itself. */
export interface RunSummary extends RunTotals {
  source: ReaderKind;
  seconds: number;
  /** Over the time in which there was something to do. */
  eventsPerSecond: number;
  /** Seconds from the start of the process to the first committed transaction. */
  firstCommitSeconds: number | undefined;
  /** Time by stage, over all threads: stages run side by side. */
  stageSeconds: Record<Stage, number>;
  /** Of the main thread. */
  gcSeconds: number;
  /** User and system time of all threads since the process started. */
  cpuSeconds: number;
  peakRssMiB: number;
}

export function addRunCommand(program: Command, context: CommandContext): void {
  const { environment, stopSignal, stdout, progress, onStuck } = context;
  program
    .command('run')
    .description('consume the topic; prints a JSON summary as the last line on stdout')
    .addHelpText(
      'after',
      variablesHelp(
        SECTIONS.kafka,
        PROPERTIES_TEXT,
        SECTIONS.consumer,
        SECTIONS.worker,
        SECTIONS.pipeline,
        SECTIONS.storage,
        SECTIONS.parquet,
        SECTIONS.compaction,
        SECTIONS.retention,
        SECTIONS.sink,
        SECTIONS.duckdb,
        SECTIONS.lake,
        SECTIONS.objectStore,
        SECTIONS.schema,
        SECTIONS.registry,
        SECTIONS.process,
        SECTIONS.metrics,
        SECTIONS.http,
        SECTIONS.lineage,
        SECTIONS.log,
      ),
    )
    .option('--until-end', 'stop at the end offsets that the topic has at the start', false)
    .addOption(
      new Option('--on-lost-offsets <how>', 'what to do when Kafka deleted messages before they were read')
        .choices(['fail', 'gap'])
        .default('fail'),
    )
    .addOption(
      new Option('--on-unknown-schema <how>', 'what to do with messages whose schema the registry does not have')
        .choices(['fail', 'quarantine'])
        .default('fail'),
    )
    .action(async (choices: Pick<RunOptions, 'untilEnd' | 'onLostOffsets' | 'onUnknownSchema'>) => {
      const { config, log } = environment();
      const summary = await run(config, log, { ...choices, signal: stopSignal(), progress, onStuck });
      await stdout.write(`${JSON.stringify(summary)}\n`);
    });
}

/**
 * Consumes until stopped or, with `untilEnd`, up to the end offsets.
 * @throws SluiceError after everything was shut down
 */
export async function run(config: Config, log: Logger, options: RunOptions): Promise<RunSummary> {
  const { dataDir, spec } = config;
  const { topic } = config.kafka;
  const startMs = performance.now();
  if (hasMasks(spec) && config.maskKey === undefined) throw needsMaskKey('the table spec has masks');
  const { KafkaSource } = await import('../kafka/kafka-source.js');
  const { batchRows, batchBytes } = config.pipeline;
  const sink = SinkClient.start(sinkOptions(config));
  const ofSource = { ...config.kafka, isShared: !sink.needsWholeTopic, prefixHeaders: frameHeaders(config) };
  const source = new KafkaSource(ofSource, log);
  const metrics = metricsOf(config, source.reader);
  const schemas = await openSchemas(config, options, metrics, log);
  const lineage = await runLineage(config, metrics, log);
  let pool: WorkerPool | undefined;
  let monitor: Monitor | undefined;
  let stopProgress = () => {};
  let finished: Pipeline;
  const ending = new Ending(sink, options, config.shutdownGraceMs);
  try {
    lineage?.start();
    // The workers load while the database is opened.
    const { valueFormat, keyFormat } = config.registry;
    const formats = { valueFormat, keyFormat, maskKey: config.maskKey };
    const ofWorkers = { spec, topic, dataDir, batchRows, batchBytes, ...formats, ...placesOf(config) };
    pool = new WorkerPool(config.worker.workers, { ...ofWorkers, ...config.parquet, ...config.worker }, log);
    const workers = pool;
    const state = await sink.open();
    // Not beside it: the process is aborted when the sink's thread is ended while DuckDB opens.
    await schemas?.open();
    logRemoved(log, state.removed);
    const [runBatch, prepare] = [workers.run.bind(workers), schemas?.prepare.bind(schemas)];
    const onCommitted = lineage && committedRanges(lineage);
    const parts = { source, sink, runBatch, prepare, metrics, log, ...(onCommitted && { onCommitted }) };
    const pipeline = new Pipeline(pipelineOptions(config, options), parts);
    const { port, graceMs } = config.metrics;
    monitor = await Monitor.open(
      { port, ...config.http, graceMs: options.untilEnd ? 0 : graceMs, signal: options.signal },
      monitored(config, { pipeline, metrics, workers, schemas }),
    );
    const stop = () => {
      log.info('stopping: what is in flight is committed; a second signal ends the process at once');
      pipeline.stop();
    };
    options.signal.addEventListener('abort', stop, { once: true });
    options.onStart?.(pipeline);
    if (options.signal.aborted) stop();
    else await source.start();
    log.info({ source: source.reader, workers: config.worker.workers, page: monitor.url }, `consuming ${topic}`);
    warnOfFewThreads(config, log);
    stopProgress = options.progress?.show(runProgress(() => pipeline.status(), log)) ?? stopProgress;
    const isAll = await pipeline.run(state);
    lineage?.end(isAll ? 'COMPLETE' : 'ABORT');
    finished = pipeline;
    if (isAll) ending.done((what) => log.warn({ code: 'SLUICE_KAFKA' }, `${what}: SIGTERM ends it`));
  } catch (thrown) {
    monitor?.fail(thrown);
    lineage?.end('FAIL', thrown as Error);
    ending.failed(thrown, ({ code, message }) => log.error({ code }, message));
    throw thrown;
  } finally {
    stopProgress();
    schemas?.close();
    await ending.close({ close: () => source.close(false) }, pool, lineage);
    await monitor?.close(log);
    ending.over();
  }
  // The database is closed by now: its last checkpoint counts, too.
  const [stageSeconds, gcSeconds] = await Promise.all([metrics.stageTotals(), metrics.gcSeconds()]);
  return { ...summarize(finished, startMs), source: source.reader, stageSeconds, gcSeconds };
}

interface Watched {
  readonly pipeline: Pipeline;
  readonly metrics: Metrics;
  readonly workers: WorkerPool;
  readonly schemas: SchemaStore | undefined;
}

/** What is seen of it from outside. */
function monitored(config: Config, { pipeline, metrics, workers, schemas }: Watched): Monitored {
  const { topic } = config.kafka;
  const refreshDisk = diskGauges(config, metrics, () => openRunning(config.dataDir));
  return {
    metrics,
    health: () => healthOf(pipeline.status(), schemas?.waitingFor),
    refresh: () => {
      metrics.batchesWithoutSchema.set(schemas?.waitingBatches ?? 0);
      metrics.workerUtilization.set(workers.utilization);
      metrics.workerQueue.set(workers.queued);
      refreshDisk();
      showStatus(metrics, pipeline.status());
    },
    page: {
      ...pageContent(config, { live: true, topic, open: () => openRunning(config.dataDir) }),
      snapshot: () => snapshotOf(pipeline.status(), metrics),
    },
  };
}

/** The headers that frames may be in. */
function frameHeaders({ registry, spec }: Config): PrefixHeaders {
  const { value, key } = framedFormats(registry, spec);
  return { value: value && SCHEMA_HEADERS.value, key: key && SCHEMA_HEADERS.key };
}

/** The schemas of the topic, if its messages name any and a registry has them. */
async function openSchemas(
  { registry, dataDir, kafka: { topic }, spec }: Config,
  { onUnknownSchema = 'fail' }: RunOptions,
  metrics: Metrics,
  log: Logger,
): Promise<SchemaStore | undefined> {
  const { url } = registry;
  const { value, key } = framedFormats(registry, spec);
  if ((value === undefined && key === undefined) || url === undefined) return undefined;
  const { SchemaStore } = await import('../registry/schema-store.js');
  const hooks = {
    onError: ({ code }: SluiceError) => metrics.errors.inc({ code }),
    onUnreadable: () => metrics.unreadableColumns.inc(),
  };
  return new SchemaStore({ ...registry, url, dataDir, topic, spec, onUnknownSchema }, hooks, log);
}

/** What the page asks for: only through the sink's thread. A second instance on its database would break the first. */
async function openRunning(dataDir: string): Promise<SqlClient> {
  const { openSql } = await import('../query/sql-client.js');
  return openSql(dataDir, () => {
    throw new SluiceError('SLUICE_QUERY', 'the run takes no queries any more: it is ending');
  });
}

/** One that waits for a schema works, but is not ready. */
function healthOf(status: PipelineStatus, waitingFor: string | undefined): Health {
  return { problem: problemOf(status), ready: status.ready && waitingFor === undefined, waitingFor };
}

function warnOfFewThreads(config: Config, log: Logger): void {
  const few = fewThreads(config);
  if (few !== undefined) log.warn(few);
}

/** Where a worker's file goes, and whether its rows go to the sink beside it. */
function placesOf(config: Config): Pick<WorkerOptions, 'lakeFolder' | 'objects' | 'mergeFrom'> {
  const { sink, lake, duckdb, kafka, objectStore } = config;
  if (sink === 'duckdb') return { mergeFrom: duckdb.mergeFrom, lakeFolder: undefined };
  const { dataPath, extensionDirectory } = lake;
  const objects = isObjectStore(dataPath) ? { objectStore, extensionDirectory } : undefined;
  return { mergeFrom: 'parquet', lakeFolder: changesFolder(dataPath, kafka.topic), objects };
}

function pipelineOptions(config: Config, { untilEnd, onLostOffsets }: RunOptions): PipelineOptions {
  const { topic, startFrom } = config.kafka;
  const { workers, lateAfterMs } = config.worker;
  const { shutdownGraceMs, pipeline } = config;
  const commitBytes = Math.min(pipeline.bufferBytes / 2, config.duckdb.memoryLimit * COMMIT_SHARE);
  const options = { topic, startFrom, workers, lateAfterMs, shutdownGraceMs, commitBytes, untilEnd, onLostOffsets };
  return { ...pipeline, ...options };
}

function summarize(pipeline: Pipeline, startMs: number): Omit<RunSummary, 'source' | 'stageSeconds' | 'gcSeconds'> {
  const seconds = (performance.now() - startMs) / 1e3;
  const { firstCommitMs, idleMs } = pipeline;
  const { totals } = pipeline.status();
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  return {
    ...totals,
    seconds: Number(seconds.toFixed(3)),
    eventsPerSecond: Math.round(totals.events / (seconds - idleMs / 1e3)),
    firstCommitSeconds: firstCommitMs === undefined ? undefined : Number((firstCommitMs / 1e3).toFixed(3)),
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    peakRssMiB: Math.round(maxRSS / 1024),
  };
}
