/**
 * Sluice against the programs that it replaces, on one topic and machine:
 *
 *   npm run bench:peers -- --events 1000000 --rounds 3
 *
 * The programs run in turn. Row counts, the sums of the amounts and the numbers of high-value orders of all outputs
 * are compared before a figure is printed. CPU and memory are of the whole process tree, read from /proc.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
import { installTools, ON_SPARK, ON_SPARK_VARIANTS, PEERS, type Peer, VARIANTS } from './peers/programs.js';
import { ProcessTree } from './process-tree.js';

const { values: flags } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    partitions: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    kafka: { type: 'string' },
    /** Keeps the figures in this file. */
    json: { type: 'string' },
    /** Also variants. */
    all: { type: 'boolean', default: false },
    /** In place of the programs: Spark's job and the kernel in Spark, into Parquet with the same micro-batches. */
    spark: { type: 'boolean', default: false },
  },
});

const EVENTS = Number(flags.events);
const SAMPLE_MS = 100;

/** How a program explained its failure; of a Java stack trace, the causes. */
function reasonOf(stderr: string): string {
  const causes = stderr.match(/^Caused by: .*$/gm) ?? [];
  return [...new Set(causes), stderr.slice(-500)].join('\n');
}

interface PeerOutcome extends Outcome {
  /** Of micro-batches after the first: rows per second, CPU microseconds per row. Of Spark only. */
  readonly warm: { readonly rate: number; readonly cpuMicros: number } | undefined;
  /** Row count, sum of amounts, high-value rows. */
  readonly result: string;
}

async function runPeer(peer: Peer, bootstrap: string, topic: string): Promise<PeerOutcome> {
  const out = mkdtempSync(join(tmpdir(), 'sluice-peer-'));
  try {
    const [command, ...args] = peer.command(bootstrap, topic, out, EVENTS);
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
    const samples: CpuSample[] = [];
    const sampler = setInterval(() => {
      tree.sample();
      samples.push({ atMs: Date.now(), cpuSeconds: tree.cpuSeconds });
    }, SAMPLE_MS);
    const code = await new Promise<number | null>((done) => child.on('close', done));
    clearInterval(sampler);
    if (code !== 0) throw new Error(`${peer.name} ended with ${code}:\n${reasonOf(output.stderr)}`);
    const seconds = (performance.now() - start) / 1e3;
    return {
      events: EVENTS,
      seconds,
      cpuSeconds: tree.cpuSeconds,
      peakRssMiB: tree.peakRssMiB,
      warm: warmOf(output.stdout, samples),
      result: await resultOf(peer.output(out)),
    };
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

interface CpuSample {
  readonly atMs: number;
  readonly cpuSeconds: number;
}

/** What bench/peers/warm.py prints, and the CPU from then on to the end of the program. */
function warmOf(stdout: string, samples: readonly CpuSample[]): PeerOutcome['warm'] {
  const line = /^\{"warm": .*$/m.exec(stdout)?.[0];
  if (line === undefined) return undefined;
  const { rows, seconds, sinceMs } = JSON.parse(line).warm as Record<'rows' | 'seconds' | 'sinceMs', number>;
  const before = samples.findLast(({ atMs }) => atMs <= sinceMs)!;
  return { rate: rows / seconds, cpuMicros: ((samples.at(-1)!.cpuSeconds - before.cpuSeconds) * 1e6) / rows };
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

const medianOf = (outcomes: readonly PeerOutcome[], figure: (outcome: PeerOutcome) => number) =>
  median(outcomes.map(figure));
/** Of what has micro-batches without the first. */
const speed = (outcome: PeerOutcome) => outcome.warm?.rate ?? rate(outcome);
const warmCpuMicros = ({ warm }: PeerOutcome) => warm?.cpuMicros ?? Number.NaN;

function print(name: string, outcomes: readonly PeerOutcome[]): void {
  console.log(describe(name, outcomes));
  if (outcomes[0].warm === undefined) return;
  const [rows, cpu] = [count(medianOf(outcomes, speed)), medianOf(outcomes, warmCpuMicros).toFixed(2)];
  console.log(`${'  after its first micro-batch'.padEnd(34)} ${rows.padStart(10)} rows/s, ${cpu} CPU µs per row`);
}

/** What one program is to another. */
function printRatios(one: readonly PeerOutcome[], other: readonly PeerOutcome[], name: string): void {
  const of = (figure: (outcome: PeerOutcome) => number) => (medianOf(one, figure) / medianOf(other, figure)).toFixed(2);
  const warm = one[0].warm && other[0].warm ? `, warm ${of(warmCpuMicros)}` : '';
  console.log(`${''.padEnd(34)} ${of(speed)} × the rows/s of ${name}, ${of(cpuMicros)} × its CPU per row${warm}`);
}

installTools();
await withBroker(flags.kafka, async (bootstrap) => {
  const options = { count: EVENTS, shares: { truncated: 0.01 } };
  const topic = await load(bootstrap, Number(flags.partitions), 'common-amounts', options);
  console.log(`${count(EVENTS)} events, ${flags.partitions} partitions; ${machine()}`);
  const [chosen, variants] = flags.spark ? [ON_SPARK, ON_SPARK_VARIANTS] : [PEERS, VARIANTS];
  const peers = [...chosen, ...(flags.all ? variants : [])];
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
    print(name, outcomes[index]);
    if (index === 0) continue;
    if (flags.spark) printRatios(outcomes[index], outcomes[0], peers[0].name);
    else printRatios(outcomes[0], outcomes[index], name);
  }
  const figures = peers.map(({ name }, index) => ({
    name,
    rowsPerSecond: median(outcomes[index].map(rate)),
    lowest: Math.min(...outcomes[index].map(rate)),
    highest: Math.max(...outcomes[index].map(rate)),
    cpuMicros: median(outcomes[index].map(cpuMicros)),
    warm: outcomes[index][0].warm && {
      rowsPerSecond: medianOf(outcomes[index], speed),
      cpuMicros: medianOf(outcomes[index], warmCpuMicros),
    },
  }));
  writeResults(flags.json, flags.spark ? 'spark' : 'peers', figures);
});
process.exit();
