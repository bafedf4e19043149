/**
 * Sluice against the programs that it replaces, on one topic and machine:
 *
 *   npm run bench:peers -- --events 1000000 --rounds 3
 *
 * The programs run in turn. Row counts, the sums of the amounts and the numbers of high-value orders of all outputs
 * are compared before a figure is printed. CPU and memory are of the whole process tree, read from /proc.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import {
  count,
  cpuMicros,
  describe,
  load,
  machine,
  median,
  type Outcome,
  rate,
  runBare,
  withBroker,
  writeResults,
} from './harness.js';
import { ProcessTree } from './process-tree.js';

const { values: flags } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    partitions: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    kafka: { type: 'string' },
    /** Keeps the figures in this file. */
    json: { type: 'string' },
    /** Also the job's variants. */
    all: { type: 'boolean', default: false },
    /** In place of the programs: Spark's job and the kernel in Spark, into Parquet with the same micro-batches. */
    spark: { type: 'boolean', default: false },
  },
});

const EVENTS = Number(flags.events);
const TOOLS = resolve('build/peers');
const PYTHON = join(TOOLS, 'venv/bin/python');
const SAMPLE_MS = 100;
const HERE = 'bench/peers';
const BUNDLE = join(TOOLS, 'bundle');
const MICRO_BATCH = 100_000;
const LARGE_MICRO_BATCH = 330_000;

interface Peer {
  readonly name: string;
  readonly command: (bootstrap: string, topic: string, out: string) => string[];
  readonly env?: (bootstrap: string, topic: string, out: string) => NodeJS.ProcessEnv;
  /** What its output holds: a relation of DuckDB, and the file to open, if any. */
  readonly output: (out: string) => { database?: string; relation: string };
}

const PEERS: readonly Peer[] = [
  {
    name: 'sluice',
    command: () => [process.execPath, 'dist/cli.js', 'run', '--until-end'],
    env: (bootstrap, topic, out) => ({
      KAFKA_BROKERS: bootstrap,
      KAFKA_TOPIC: topic,
      KAFKA_GROUP_ID: out,
      DATA_DIR: out,
      METRICS_PORT: '0',
      LOG_LEVEL: 'warn',
    }),
    output: (out) => ({ database: join(out, 'analytics.db'), relation: 'cdc_orders' }),
  },
  plain('both'),
  spark('udf', 'duck-parquet'),
];

const VARIANTS: readonly Peer[] = [
  plain('parquet'),
  plain('upsert'),
  spark('native', 'duck-parquet'),
  spark('udf-arrow', 'duck-parquet'),
  spark('native', 'parquet'),
];

/** The first is what the others are compared with. */
const ON_SPARK: readonly Peer[] = [
  spark('udf', 'parquet', LARGE_MICRO_BATCH),
  spark('native', 'parquet', LARGE_MICRO_BATCH),
  sparkKernel('map'),
  sparkKernel('rows'),
  sparkKernel('files'),
];

function plain(sink: string): Peer {
  return {
    name: `plain.py ${sink}`,
    command: (bootstrap, topic, out) => [PYTHON, `${HERE}/plain.py`, bootstrap, topic, flags.events, out, sink],
    output: (out) =>
      sink === 'parquet'
        ? { relation: `read_parquet('${out}/*.parquet')` }
        : { database: join(out, 'orders.db'), relation: 'orders' },
  };
}

function spark(amount: string, sink: string, batch = MICRO_BATCH): Peer {
  return {
    name: `Spark ${amount} ${sink}`,
    command: (bootstrap, topic, out) => [
      ...sparkSubmit(),
      ...[`${HERE}/spark.py`, bootstrap, topic, out, amount, sink, String(batch)],
    ],
    env: sparkEnv,
    output: (out) =>
      sink === 'parquet'
        ? { relation: `(FROM read_parquet('${out}/parquet/*.parquet') WHERE _corrupt IS NULL)` }
        : { database: join(out, 'orders.db'), relation: 'orders' },
  };
}

/** @param how of spark_kernel.py */
function sparkKernel(how: string): Peer {
  return {
    name: `Spark kernel ${how}`,
    command: (bootstrap, topic, out) => [
      ...sparkSubmit(),
      ...[`${HERE}/spark_kernel.py`, bootstrap, topic, out, how, String(LARGE_MICRO_BATCH), BUNDLE],
    ],
    env: sparkEnv,
    output: (out) => ({ relation: `read_parquet('${out}/orders/*.parquet')` }),
  };
}

function sparkSubmit(): string[] {
  const jars = readdirSync(join(TOOLS, 'jars')).map((jar) => join(TOOLS, 'jars', jar));
  const local = ['--conf', 'spark.driver.bindAddress=127.0.0.1', '--conf', 'spark.driver.host=127.0.0.1'];
  const master = ['--master', 'local[2]', '--driver-memory', '4g', ...local];
  return [join(sparkHome(), 'bin/spark-submit'), ...master, '--jars', jars.join(',')];
}

function sparkEnv(): NodeJS.ProcessEnv {
  return {
    SPARK_HOME: sparkHome(),
    PYSPARK_PYTHON: PYTHON,
    PYSPARK_DRIVER_PYTHON: PYTHON,
    PYTHONPATH: resolve('spark/src'),
    SPARK_LOCAL_IP: '127.0.0.1',
  };
}

function sparkHome(): string {
  const [lib] = readdirSync(join(TOOLS, 'venv/lib'));
  return join(TOOLS, 'venv/lib', lib, 'site-packages/pyspark');
}

/** Python packages and the jars of Spark's Kafka source, once. */
function installTools(): void {
  mkdirSync(TOOLS, { recursive: true });
  const run = (command: string, args: string[]) => {
    const { status } = spawnSync(command, args, { stdio: 'inherit' });
    if (status !== 0)
      throw new Error(`${command} ${args.join(' ')} failed: Python 3 with venv, Java 17 and Maven are needed`);
  };
  if (!existsSync(PYTHON)) run('python3', ['-m', 'venv', join(TOOLS, 'venv')]);
  run(PYTHON, ['-m', 'pip', 'install', '--quiet', '-r', `${HERE}/requirements.txt`]);
  run(process.execPath, ['dist/cli.js', 'kernel', 'export', '--out', BUNDLE]);
  if (existsSync(join(TOOLS, 'jars'))) return;
  run('mvn', ['-q', '-B', '-f', `${HERE}/pom.xml`, 'dependency:copy-dependencies', `-DoutputDirectory=${TOOLS}/jars`]);
}

/** How a program explained its failure; of a Java stack trace, the causes. */
function reasonOf(stderr: string): string {
  const causes = stderr.match(/^Caused by: .*$/gm) ?? [];
  return [...new Set(causes), stderr.slice(-500)].join('\n');
}

interface PeerOutcome extends Outcome {
  /** Rows per second of micro-batches after the first; of Spark only. */
  readonly warmRate: number | undefined;
  /** Row count, sum of amounts, high-value rows. */
  readonly result: string;
}

async function runPeer(peer: Peer, bootstrap: string, topic: string): Promise<PeerOutcome> {
  const out = mkdtempSync(join(tmpdir(), 'sluice-peer-'));
  try {
    const [command, ...args] = peer.command(bootstrap, topic, out);
    const start = performance.now();
    const child = spawn(command, args, {
      env: { ...process.env, ...peer.env?.(bootstrap, topic, out) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (text: Buffer) => {
      output.stdout += text;
    });
    child.stderr.on('data', (text: Buffer) => {
      output.stderr += text;
    });
    const tree = new ProcessTree(child.pid!);
    const sampler = setInterval(() => tree.sample(), SAMPLE_MS);
    const code = await new Promise<number | null>((done) => child.on('close', done));
    clearInterval(sampler);
    if (code !== 0) throw new Error(`${peer.name} ended with ${code}:\n${reasonOf(output.stderr)}`);
    const seconds = (performance.now() - start) / 1e3;
    const warmRate = /"warmRate": ([\d.]+)/.exec(output.stdout)?.[1];
    return {
      events: EVENTS,
      seconds,
      cpuSeconds: tree.cpuSeconds,
      peakRssMiB: tree.peakRssMiB,
      warmRate: warmRate === undefined ? undefined : Number(warmRate),
      result: await resultOf(peer.output(out)),
    };
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

async function resultOf({ database, relation }: ReturnType<Peer['output']>): Promise<string> {
  const instance = await DuckDBInstance.create(database ?? ':memory:');
  const connection = await instance.connect();
  const rows = await connection.runAndReadAll(
    `SELECT count(*), sum(round(amount, 2)::DECIMAL(18, 2))::VARCHAR, count(*) FILTER (is_high_value) FROM ${relation}`,
  );
  connection.closeSync();
  instance.closeSync();
  const [orders, sum, highValue] = rows.getRows()[0];
  return `${orders} orders, amounts of ${sum}, ${highValue} of high value`;
}

/** Rows per second; of what has micro-batches without the first. */
function speedOf(outcomes: readonly PeerOutcome[]): number {
  return median(outcomes.map((outcome) => outcome.warmRate ?? rate(outcome)));
}

installTools();
await withBroker(flags.kafka, async (bootstrap) => {
  const options = { count: EVENTS, shares: { truncated: 0.01 } };
  const topic = await load(bootstrap, Number(flags.partitions), 'common-amounts', options);
  console.log(`${count(EVENTS)} events, ${flags.partitions} partitions; ${machine()}`);
  const peers = flags.spark ? ON_SPARK : [...PEERS, ...(flags.all ? VARIANTS : [])];
  const outcomes = peers.map((): PeerOutcome[] => []);
  // A broker makes its topic of group offsets for the first group, which takes seconds: here for one that is not timed.
  await runBare(bootstrap, topic, Number(flags.partitions), EVENTS);
  for (let round = 0; round < Number(flags.rounds); round++) {
    for (const [index, peer] of peers.entries()) outcomes[index].push(await runPeer(peer, bootstrap, topic));
  }
  const results = new Set(outcomes.flat().map(({ result }) => result));
  if (results.size !== 1) {
    throw new Error(`outputs differ:\n${peers.map(({ name }, n) => `  ${name}: ${outcomes[n][0].result}`).join('\n')}`);
  }
  console.log(`every output: ${[...results][0]}`);
  for (const [index, { name }] of peers.entries()) {
    console.log(describe(name, outcomes[index]));
    const warm = outcomes[index].flatMap(({ warmRate }) => (warmRate === undefined ? [] : [warmRate]));
    if (warm.length > 0)
      console.log(`${''.padEnd(34)} ${count(median(warm)).padStart(10)} rows/s warm, after its first batch`);
    if (index > 0) {
      const faster = speedOf(outcomes[0]) / speedOf(outcomes[index]);
      const cpu = median(outcomes[index].map(cpuMicros)) / median(outcomes[0].map(cpuMicros));
      console.log(
        `${''.padEnd(34)} ${peers[0].name}: ${faster.toFixed(2)} × its rows/s, 1/${cpu.toFixed(2)} of its CPU`,
      );
    }
  }
  const figures = peers.map(({ name }, index) => ({
    name,
    rowsPerSecond: median(outcomes[index].map(rate)),
    lowest: Math.min(...outcomes[index].map(rate)),
    highest: Math.max(...outcomes[index].map(rate)),
    cpuMicros: median(outcomes[index].map(cpuMicros)),
  }));
  writeResults(flags.json, flags.spark ? 'spark' : 'peers', figures);
});
process.exit();
