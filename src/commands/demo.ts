/** `sluice demo`: the whole pipeline on sample events and an embedded Kafka, with nothing else installed. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { type Config, readConfig, SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import { inThousands, type ProgressLine, stopwatch } from '../core/progress-line.js';
import type { EmbeddedKafka } from '../kafka/embedded-kafka.js';
import type { Pipeline } from '../pipeline/pipeline.js';
import type { RunTotals } from '../pipeline/totals.js';
import { allRows } from '../query/sql-client.js';
import { ORDERS_SPEC } from '../schema/spec-file.js';
import { bars, levels, type Sample } from './bar-chart.js';
import type { CommandContext } from './context.js';
import { openConfigured } from './open-sql.js';
import { query } from './query.js';
import { run } from './run.js';
import { sampleEvents } from './sample-events.js';
import { variablesHelp } from './variables-help.js';
import { verify } from './verify.js';

export interface DemoOptions {
  readonly events: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly progress: ProgressLine;
  /** How this program is called in the steps that are shown at the end. */
  readonly invocation: string;
  readonly write: (piece: string | Uint8Array) => Promise<void>;
}

const TOPIC = 'cdc_orders';
/** The file by which the folder of a demo is known. */
const MARK = 'demo.txt';
const MAX_EVENTS = 10_000_000;
/** The embedded Kafka forgets what is older: the producer stays closer to the consumer than that. */
const MAX_AHEAD_EVENTS = 40_000;
const BLOCK_EVENTS = 2_000;
const WAIT_MS = 10;
const PROGRESS_MS = 1000;
const SAMPLE_MS = 50;
const CHART = { slots: 64, height: 3 };

const QUERIES = [
  {
    title: 'Orders by status',
    sql: `SELECT status, count(*) AS orders, count(*) FILTER (WHERE is_high_value) AS high_value, max(amount) AS largest
FROM orders GROUP BY status ORDER BY orders DESC`,
  },
  {
    title: 'What was refused, and why',
    sql: `SELECT reason, count(*) AS messages, min(octet_length(value)) AS shortest, max(octet_length(value)) AS longest
FROM sluice.quarantine GROUP BY reason ORDER BY messages DESC`,
  },
  {
    title: 'The ledger',
    sql: `SELECT partition_id, count(*) AS batches, sum(rows_consumed) AS consumed, sum(rows_merged) AS merged,
  sum(rows_duplicate) AS duplicate, sum(rows_quarantined) AS quarantined, sum(rows_tombstone) AS tombstones
FROM sluice.batches GROUP BY partition_id ORDER BY partition_id`,
  },
];

/** How many events had been produced and committed by when. */
interface RunSample {
  readonly seconds: number;
  readonly produced: number;
  readonly committed: number;
}

export function addDemoCommand(program: Command, context: CommandContext): void {
  const { environment, stopSignal, stdout, progress, invocation } = context;
  program
    .command('demo')
    .description(
      'run the whole pipeline on sample events and an embedded Kafka, in DATA_DIR/demo, and show what it did',
    )
    .addHelpText(
      'after',
      variablesHelp(
        SECTIONS.consumer.pick({ reader: true }),
        SECTIONS.worker,
        SECTIONS.pipeline,
        SECTIONS.storage,
        SECTIONS.parquet,
        SECTIONS.compaction,
        SECTIONS.retention,
        SECTIONS.duckdb,
        SECTIONS.process,
        SECTIONS.log,
      ),
    )
    .option('--events <n>', 'how many events', '100000')
    .action(async ({ events }: { events: string }) => {
      const write = (piece: string | Uint8Array) => stdout.write(piece);
      const { config, log } = environment();
      const quiet = log.child({}, { level: 'warn' });
      await demo(config, { events: Number(events), log: quiet, signal: stopSignal(), progress, invocation, write });
    });
}

/**
 * Runs the demo in a folder of its own, DATA_DIR/demo, which is made anew.
 * @throws SluiceError SLUICE_CONFIG when `events` is out of range, or what `run` failed with
 */
export async function demo(base: Config, options: DemoOptions): Promise<void> {
  const { events, progress, write } = options;
  if (!Number.isInteger(events) || events < 1 || events > MAX_EVENTS) {
    throw new SluiceError('SLUICE_CONFIG', `--events must be a whole number from 1 to ${MAX_EVENTS}`);
  }
  let now = 'Kafka is starting';
  const seconds = stopwatch();
  const text = () => `… ${seconds()}  ${now}`;
  const report = () => void write(`${text()}\n`).catch(() => {});
  const end = progress.show({ text, quietMs: PROGRESS_MS, elsewhere: { everyMs: PROGRESS_MS, report } });
  try {
    await demonstrate(base, options, (what) => {
      now = what;
    });
  } finally {
    end();
  }
}

/** Makes the folder of an earlier demo empty, but for its mark. @throws SluiceError SLUICE_CONFIG if it has none */
async function clear(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  const found = await readdir(dataDir);
  if (found.length > 0 && !found.includes(MARK)) {
    throw new SluiceError(
      'SLUICE_CONFIG',
      `the demo empties ${dataDir}, which has ${found[0]} and was not made by this version of it: ` +
        'remove the folder, or choose another DATA_DIR',
    );
  }
  await writeFile(join(dataDir, MARK), 'The next "sluice demo" empties this folder.\n');
  for (const name of found) if (name !== MARK) await rm(join(dataDir, name), { recursive: true });
}

/** What `--help` names is as in the environment, all else as by default: no lake, registry or lineage hears of it. */
function configOf(base: Config, dataDir: string, brokers: string): Config {
  const { worker, pipeline, parquet, compaction, retention, duckdb, threadPoolSize, shutdownGraceMs, log } = base;
  const own = { DATA_DIR: dataDir, KAFKA_BROKERS: brokers, KAFKA_TOPIC: TOPIC };
  const defaults = readConfig({ ...own, METRICS_PORT: '0', METRICS_GRACE_MS: '0' });
  const { reader } = base.kafka;
  return {
    ...defaults,
    ...{ worker, pipeline, parquet, compaction, retention, duckdb, threadPoolSize, shutdownGraceMs, log },
    spec: ORDERS_SPEC,
    kafka: { ...defaults.kafka, reader, startFrom: 'earliest', hasController: false },
  };
}

/** @param doing told what is going on, for the progress */
async function demonstrate(base: Config, options: DemoOptions, doing: (what: string) => void): Promise<void> {
  const { log, invocation, write } = options;
  const dataDir = join(base.dataDir, 'demo');
  await clear(dataDir);
  const { EmbeddedKafka } = await import('../kafka/embedded-kafka.js');
  const kafka = await EmbeddedKafka.start(TOPIC);
  await write(`An embedded Kafka listens on ${kafka.brokers}; the topic ${TOPIC} has 4 partitions.\n`);
  const config = configOf(base, dataDir, kafka.brokers);
  const samples: RunSample[] = [];
  const summary = await consumeSamples(kafka, config, options, doing, samples);
  doing('Kafka is stopping');
  await kafka.stop();
  if (options.signal.aborted) {
    await write('The demo was stopped.\n');
    return;
  }
  doing('asking');
  await write(describeRun(summary, summary.seconds));
  await write(chartOf(samples));
  for (const { title, sql } of QUERIES) {
    await write(`\n${title}\n\n${sql}\n\n`);
    await query(await openConfigured(config), { sql, format: 'table', write });
  }
  await write('\nDoes it all agree?\n\n');
  doing('checking');
  if (!(await verify(config, { kafka: false, log, write })))
    throw new SluiceError('SLUICE_SINK', 'the result of the demo is wrong: see the checks above');
  const sink = base.sink === config.sink ? '' : `SINK=${config.sink} `;
  await write(nextSteps(`DATA_DIR=${shellWord(dataDir)} ${sink}${invocation}`, await busiestOrder(config)));
}

/** Produces and consumes side by side; the producer waits when it is too far ahead. */
async function consumeSamples(
  kafka: EmbeddedKafka,
  config: Config,
  { events, log, signal }: DemoOptions,
  doing: (what: string) => void,
  samples: RunSample[],
) {
  const done = new AbortController();
  const stopped = AbortSignal.any([signal, done.signal]);
  let pipeline: Pipeline | undefined;
  let produced = 0;
  const consumedEvents = () => {
    const consumed = pipeline?.status().totals.events ?? 0;
    doing(`${inThousands(produced)} of ${inThousands(events)} events produced, ${inThousands(consumed)} consumed`);
    return consumed;
  };
  const consumed = run(config, log, {
    untilEnd: false,
    onLostOffsets: 'fail',
    signal: stopped,
    onStart: (started) => {
      pipeline = started;
    },
  });
  // A failure is seen below; without a handler here it would end the process before.
  consumed.catch(() => done.abort());
  const startMs = performance.now();
  const sample = () =>
    samples.push({ seconds: (performance.now() - startMs) / 1e3, produced, committed: consumedEvents() });
  const sampling = setInterval(sample, SAMPLE_MS);
  for (const { key, value } of sampleEvents(events, Date.now())) {
    kafka.produce(TOPIC, key, value);
    produced++;
    if (produced % BLOCK_EVENTS === 0) await nextTurn();
    while (produced % BLOCK_EVENTS === 0 && produced - consumedEvents() >= MAX_AHEAD_EVENTS && !stopped.aborted) {
      await sleep(WAIT_MS);
    }
    if (stopped.aborted) break;
  }
  await kafka.flush();
  while (consumedEvents() < produced && !stopped.aborted) await sleep(WAIT_MS);
  clearInterval(sampling);
  sample();
  done.abort();
  return consumed;
}

function describeRun(totals: RunTotals, seconds: number): string {
  const n = inThousands;
  return [
    `Consumed ${n(totals.events)} events (${n(Math.round(totals.bytes / 1024))} KiB) in ${seconds.toFixed(1)} s,`,
    `in ${n(totals.batches)} batches and ${n(totals.commits)} transactions:`,
    `  ${n(totals.merged)} rows merged into DuckDB`,
    `  ${n(totals.merged + totals.duplicate)} rows in Parquet (${n(totals.highValue)} of high value)`,
    `  ${n(totals.duplicate)} duplicates of a change that was there already`,
    `  ${n(totals.quarantined)} messages quarantined`,
    `  ${n(totals.tombstone)} tombstones`,
    '',
  ].join('\n');
}

/** How events were produced and, group by group, committed. */
function chartOf(samples: readonly RunSample[]): string {
  const end = `${(samples.at(-1)?.seconds ?? 0).toFixed(1)} s`;
  const area = (title: string, countOf: (sample: RunSample) => number) => {
    const counts: Sample[] = samples.map((sample) => ({ seconds: sample.seconds, count: countOf(sample) }));
    return bars(levels(counts, CHART.slots), CHART.height).map(
      (line, index) => `  ${(index === CHART.height - 1 ? title : '').padEnd(11)}${line}`,
    );
  };
  return [
    '',
    ...area('produced', ({ produced }) => produced),
    ...area('committed', ({ committed }) => committed),
    `${' '.repeat(13)}${'0 s '.padEnd(CHART.slots - end.length - 1, '─')} ${end}`,
    '',
  ].join('\n');
}

/** The key with the most changes: one to look at. */
async function busiestOrder(config: Config): Promise<string> {
  const client = await openConfigured(config);
  try {
    const sql = 'SELECT order_id FROM cdc_orders GROUP BY ALL ORDER BY count(*) DESC, order_id LIMIT 1';
    const [row] = await allRows(client, sql);
    return String(row?.order_id);
  } finally {
    client.close();
  }
}

function nextSteps(call: string, order: string): string {
  return `
To try next:

  ${call} query "FROM orders ORDER BY amount DESC LIMIT 10"
  ${call} history ${shellWord(order)}
  ${call} ui
`;
}

function shellWord(text: string): string {
  return /^[\w./:=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
