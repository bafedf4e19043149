/**
 * The whole pipeline against a real broker on this machine, beside a bare `consume()` loop on the same topic.
 * Usage: npm run bench:pipeline -- [--events N] [--partitions P] [--rounds R] [--kafka HOST:PORT]
 *
 * Each round runs both one after the other, in processes of their own; what is printed are the medians, and the
 * memory of the last run over time. Counts are compared before a figure is printed.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { orderEvents } from '../test/support/events.js';
import { type Broker, startBroker } from '../test/support/kafka/broker.js';
import { createTopic, TestProducer } from '../test/support/produce.js';

const { values: flags } = parseArgs({
  options: {
    events: { type: 'string', default: '2000000' },
    partitions: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    /** A broker that runs already; default: one is started for this run. */
    kafka: { type: 'string' },
  },
});

interface Outcome {
  events: number;
  seconds: number;
  cpuSeconds: number;
  peakRssMiB: number;
}

const RSS_INTERVAL_MS = 500;
const CURVE_POINTS = 20;

/** Runs a script to its end; its last line on stdout is JSON. */
async function runJson<T>(args: readonly string[], env: NodeJS.ProcessEnv, rssMiB: number[] = []): Promise<T> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.on('data', (text: Buffer) => {
    stdout += text;
  });
  const sampler = setInterval(() => rssMiB.push(residentMiB(child.pid!)), RSS_INTERVAL_MS);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearInterval(sampler);
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as T;
}

function residentMiB(pid: number): number {
  try {
    return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);
  } catch {
    return Number.NaN;
  }
}

async function load(bootstrap: string, topic: string): Promise<void> {
  await createTopic(bootstrap, topic, Number(flags.partitions));
  const producer = await TestProducer.connect(bootstrap);
  await producer.send(topic, orderEvents({ count: Number(flags.events) }));
  await producer.close();
}

async function runSluice(bootstrap: string, topic: string, rssMiB: number[]): Promise<Outcome> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  try {
    const env = {
      KAFKA_BROKERS: bootstrap,
      KAFKA_TOPIC: topic,
      DATA_DIR: dataDir,
      METRICS_PORT: '0',
      LOG_LEVEL: 'warn',
    };
    const outcome = await runJson<Outcome>(['dist/cli.js', 'run', '--until-end'], env, rssMiB);
    if (outcome.events !== Number(flags.events))
      throw new Error(`consumed ${outcome.events} of ${flags.events} events`);
    return outcome;
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1];

function report(name: string, outcomes: readonly Outcome[]): number {
  const rates = outcomes.map(({ events, seconds }) => events / seconds);
  const cpu = outcomes.map(({ events, cpuSeconds }) => (cpuSeconds * 1e6) / events);
  const rate = median(rates);
  const count = (value: number) => Math.round(value).toLocaleString('en-US');
  const spread = `${count(Math.min(...rates))} to ${count(Math.max(...rates))}`;
  console.log(
    `${name.padEnd(16)} ${count(rate).padStart(9)} rows/s (${spread})  ` +
      `${median(cpu).toFixed(2)} CPU µs per row  peak ${median(outcomes.map(({ peakRssMiB }) => peakRssMiB))} MiB`,
  );
  return rate;
}

async function main(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-broker-'));
  let broker: Broker | undefined;
  try {
    broker = flags.kafka === undefined ? await startBroker({ dataDir }) : undefined;
    const bootstrap = flags.kafka ?? broker!.bootstrap;
    const topic = `bench-${Date.now()}`;
    await load(bootstrap, topic);
    console.log(`${flags.events} events, ${flags.partitions} partitions, ${cpus().length} × ${cpus()[0].model}`);
    const bare: Outcome[] = [];
    const sluice: Outcome[] = [];
    const rssMiB: number[] = [];
    for (let round = 0; round < Number(flags.rounds); round++) {
      const viteNode = 'node_modules/vite-node/vite-node.mjs';
      bare.push(
        await runJson([viteNode, 'bench/bare-consume.ts', bootstrap, topic, flags.partitions, flags.events], {}),
      );
      rssMiB.length = 0;
      sluice.push(await runSluice(bootstrap, topic, rssMiB));
    }
    const ceiling = report('bare consume()', bare);
    const rate = report('sluice run', sluice);
    console.log(`sluice / bare: ${(rate / ceiling).toFixed(2)}`);
    const step = Math.max(1, Math.ceil(rssMiB.length / CURVE_POINTS));
    console.log(`resident memory over the last run, MiB: ${rssMiB.filter((_, index) => index % step === 0).join(' ')}`);
  } finally {
    await broker?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

await main();
