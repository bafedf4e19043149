/**
 * The whole pipeline against a real broker on this machine, compared with a bare `consume()` loop and, if it is
 * installed, kcat, on the same topic.
 *
 *   npm run bench:pipeline -- --events 2000000 --partitions 4 --rounds 3
 *   npm run bench:pipeline -- --sweep workers=1,2,4 batch-rows=8192,65536
 *   npm run bench:pipeline -- --profile build/profiles
 *
 * Programs run one after the other, each in a process of its own. It compares their counts before it prints a figure,
 * and prints medians over the rounds.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { RunSummary } from '../src/commands/run.js';
import {
  count,
  cpuMicros,
  describe,
  load,
  machine,
  median,
  type Outcome,
  PAYLOAD_NAMES,
  type Payload,
  rate,
  registryFor,
  residentMiB,
  runBare,
  runSluice,
  withBroker,
  writeResults,
} from './harness.js';
import { hottestFunctions } from './profiles.js';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    events: { type: 'string', default: '2000000' },
    partitions: { type: 'string', default: '4' },
    payload: { type: 'string', default: 'medium' },
    rounds: { type: 'string', default: '3' },
    /** A running broker; default: one is started for this run. */
    kafka: { type: 'string' },
    /** A topic of that broker which has this many events. */
    topic: { type: 'string' },
    source: { type: 'string' },
    workers: { type: 'string' },
    'batch-rows': { type: 'string' },
    'commit-rows': { type: 'string' },
    'buffer-bytes': { type: 'string' },
    compression: { type: 'string' },
    'parquet-writer': { type: 'string' },
    'merge-from': { type: 'string' },
    sink: { type: 'string' },
    'table-spec': { type: 'string' },
    'lineage-file': { type: 'string' },
    /** Every combination of the lists that follow: `workers=1,2 batch-rows=8192,65536`. */
    sweep: { type: 'boolean', default: false },
    /** Keeps the figures in this file. */
    json: { type: 'string' },
    /** Writes CPU profiles of all threads into this folder. */
    profile: { type: 'string' },
  },
});

const EVENTS = Number(flags.events);
const CURVE_POINTS = 24;

/** Flags that stand for environment variables. */
const VARIABLES = {
  source: 'KAFKA_SOURCE',
  workers: 'WORKERS',
  'batch-rows': 'BATCH_ROWS',
  'commit-rows': 'COMMIT_ROWS',
  'buffer-bytes': 'BUFFER_BYTES',
  compression: 'PARQUET_COMPRESSION',
  'parquet-writer': 'PARQUET_WRITER',
  'merge-from': 'MERGE_FROM',
  sink: 'SINK',
  'table-spec': 'TABLE_SPEC',
  'lineage-file': 'LINEAGE_FILE',
} as const;
type Setting = keyof typeof VARIABLES;

function environment(settings: Partial<Record<Setting, string>>): NodeJS.ProcessEnv {
  const names = Object.keys(VARIABLES) as Setting[];
  const chosen = names.filter((name) => settings[name]).map((name) => [VARIABLES[name], settings[name]]);
  return { ...ofRegistry, ...Object.fromEntries(chosen) };
}

/** Every combination of `name=a,b` lists. */
function combinations(lists: readonly string[]): Partial<Record<Setting, string>>[] {
  return lists.reduce<Partial<Record<Setting, string>>[]>(
    (combined, list) => {
      const [name, values = ''] = list.split('=');
      if (!(name in VARIABLES)) {
        throw new Error(`--sweep takes ${Object.keys(VARIABLES).join(', ')}, not ${name}`);
      }
      return combined.flatMap((settings) => values.split(',').map((value) => ({ ...settings, [name]: value })));
    },
    [{}],
  );
}

async function checkedRun(bootstrap: string, topic: string, env: NodeJS.ProcessEnv, sample?: (pid: number) => void) {
  const summary = await runSluice(bootstrap, topic, env, sample && { sample });
  if (summary.events !== EVENTS) throw new Error(`sluice consumed ${summary.events} of ${EVENTS} events`);
  return summary;
}

async function compare(bootstrap: string, topic: string): Promise<void> {
  const bare: Outcome[] = [];
  const sluice: RunSummary[] = [];
  const rssMiB: number[] = [];
  for (let round = 0; round < Number(flags.rounds); round++) {
    bare.push(await runBare(bootstrap, topic, Number(flags.partitions), EVENTS));
    rssMiB.length = 0;
    sluice.push(await checkedRun(bootstrap, topic, environment(flags), (pid) => rssMiB.push(residentMiB(pid))));
  }
  console.log(describe('bare consume()', bare));
  const kcatRates = kcat(bootstrap, topic);
  if (kcatRates === undefined) console.log('kcat                               not installed');
  else console.log(`kcat                               ${count(kcatRates).padStart(10)} rows/s`);
  console.log(describe(`sluice run, ${sluice[0].source} source`, sluice));
  console.log(`sluice / bare: ${(median(sluice.map(rate)) / median(bare.map(rate))).toFixed(2)}`);
  console.log(`first commit: ${median(sluice.map((run) => run.firstCommitSeconds ?? Number.NaN)).toFixed(2)} s`);
  const stages = Object.keys(sluice[0].stageSeconds) as (keyof RunSummary['stageSeconds'])[];
  const perRow = stages.map((stage) => ({
    stage,
    micros: median(sluice.map(({ stageSeconds }) => (stageSeconds[stage] * 1e6) / EVENTS)),
  }));
  const stageTexts = perRow.map(({ stage, micros }) => `${stage} ${micros.toFixed(2)}`);
  console.log(`µs per row by stage, threads side by side: ${stageTexts.join('  ')}`);
  console.log(`garbage collection on the main thread: ${median(sluice.map(gcMicros)).toFixed(3)} µs per row`);
  const step = Math.max(1, Math.ceil(rssMiB.length / CURVE_POINTS));
  console.log(`resident MiB over the last run: ${rssMiB.filter((_, index) => index % step === 0).join(' ')}`);
  writeResults(flags.json, 'pipeline', perRow);
}

const gcMicros = ({ gcSeconds, events }: RunSummary) => (gcSeconds * 1e6) / events;

/** Rows per second of the C client that reads the topic to nowhere; undefined if it is not installed. */
function kcat(bootstrap: string, topic: string): number | undefined {
  const start = performance.now();
  const { status } = spawnSync('kcat', ['-b', bootstrap, '-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-f', ''], {
    stdio: 'ignore',
  });
  return status === 0 ? EVENTS / ((performance.now() - start) / 1e3) : undefined;
}

async function sweep(bootstrap: string, topic: string): Promise<void> {
  const settings = combinations(positionals);
  const runs = settings.map((): RunSummary[] => []);
  // Interleaved, so that a slow minute of the machine affects all of them.
  for (let round = 0; round < Number(flags.rounds); round++) {
    for (const [index, setting] of settings.entries()) {
      runs[index].push(await checkedRun(bootstrap, topic, environment({ ...flags, ...setting })));
    }
  }
  console.log(`| ${positionals.map((list) => list.split('=')[0]).join(' | ')} | rows/s | CPU µs per row | peak MiB |`);
  console.log(`|${'---|'.repeat(positionals.length + 3)}`);
  const figures = settings.map((setting, index) => ({
    ...setting,
    rowsPerSecond: median(runs[index].map(rate)),
    cpuMicros: median(runs[index].map(cpuMicros)),
    peakRssMiB: median(runs[index].map(({ peakRssMiB }) => peakRssMiB)),
  }));
  for (const [index, { rowsPerSecond, cpuMicros, peakRssMiB }] of figures.entries()) {
    const cells = [...Object.values(settings[index]), count(rowsPerSecond), cpuMicros.toFixed(2), peakRssMiB];
    console.log(`| ${cells.join(' | ')} |`);
  }
  writeResults(flags.json, 'sweep', figures);
}

async function profile(bootstrap: string, topic: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const nodeArgs = ['--cpu-prof', `--cpu-prof-dir=${resolve(folder)}`];
  await runSluice(bootstrap, topic, environment(flags), { nodeArgs });
  for (const { thread, functions } of hottestFunctions(folder)) {
    console.log(`\n${thread}`);
    for (const { name, percent } of functions) console.log(`  ${percent.toFixed(1).padStart(5)}%  ${name}`);
  }
}

if (!PAYLOAD_NAMES.includes(flags.payload as Payload)) {
  throw new Error(`--payload must be one of ${PAYLOAD_NAMES.join(', ')}, not ${flags.payload}`);
}
const ofRegistry = await registryFor(flags.payload as Payload);
await withBroker(flags.kafka, async (bootstrap) => {
  const topic =
    flags.topic ?? (await load(bootstrap, Number(flags.partitions), flags.payload as Payload, { count: EVENTS }));
  console.log(`${count(EVENTS)} ${flags.payload} events, ${flags.partitions} partitions; ${machine()}`);
  if (flags.profile !== undefined) await profile(bootstrap, topic, flags.profile);
  else if (flags.sweep) await sweep(bootstrap, topic);
  else await compare(bootstrap, topic);
});
process.exit();
