/** What the benchmarks against a real broker share: a loaded topic, programs in processes of their own, figures. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunSummary } from '../src/commands/run.js';
import { avroOrder, avroType, framed, ORDERS_AVRO } from '../test/support/avro.js';
import { type EventOptions, orderEvents } from '../test/support/events.js';
import { startBroker } from '../test/support/kafka/broker.js';
import { createTopic, type TestMessage, TestProducer } from '../test/support/produce.js';
import { FakeRegistry } from '../test/support/registry.js';

export const VITE_NODE = 'node_modules/vite-node/vite-node.mjs';

/** The figures of every program. */
export interface Outcome {
  readonly events: number;
  /** From its start, connecting included, to its last commit. */
  readonly seconds: number;
  /** User and system time of all its threads. */
  readonly cpuSeconds: number;
  readonly peakRssMiB: number;
}

/** Calls `body` with a broker's address: the one given, or that of a broker that lives as long as the call. */
export async function withBroker(kafka: string | undefined, body: (bootstrap: string) => Promise<void>): Promise<void> {
  if (kafka !== undefined) return body(kafka);
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-broker-'));
  const broker = await startBroker({ dataDir });
  try {
    await body(broker.bootstrap);
  } finally {
    await broker.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/**
 * About 100, 350 and 20,000 bytes; medium with amounts in forms that every reader takes; medium as Avro of 150 bytes,
 * and as JSON Schema.
 */
export const PAYLOAD_NAMES = ['small', 'medium', 'large', 'common-amounts', 'avro', 'json-schema'] as const;
export type Payload = (typeof PAYLOAD_NAMES)[number];
const LARGE_BYTES = 20_000;

/** Makes a topic of deterministic order events. */
export async function load(
  bootstrap: string,
  partitions: number,
  payload: Payload,
  options: EventOptions,
): Promise<string> {
  const topic = `bench-${payload}-${Date.now()}`;
  await createTopic(bootstrap, topic, partitions);
  const producer = await TestProducer.connect(bootstrap);
  await producer.send(topic, payloads(payload, options));
  await producer.close();
  return topic;
}

/** What is registered in the registry of a bench, and its id. */
const SCHEMA_ID = 1;

/** A registry for payloads that name a schema. @returns what a run needs to know of it */
export async function registryFor(payload: Payload): Promise<NodeJS.ProcessEnv> {
  if (payload !== 'avro' && payload !== 'json-schema') return {};
  const registry = await FakeRegistry.serve();
  registry.register('bench', payload === 'avro' ? ORDERS_AVRO : {}, {
    type: payload === 'avro' ? 'AVRO' : 'JSON',
    id: SCHEMA_ID,
  });
  return { VALUE_FORMAT: payload, SCHEMA_REGISTRY_URL: registry.url };
}

function* payloads(payload: Payload, options: EventOptions): Generator<TestMessage> {
  const padding = `,"note":"${'n'.repeat(LARGE_BYTES)}"}`;
  const type = avroType(ORDERS_AVRO);
  const isFramed = payload === 'avro' || payload === 'json-schema';
  for (const event of orderEvents(isFramed ? { ...options, shares: {} } : options)) {
    const { key, value } = event;
    if (payload === 'medium' || value === null) yield event;
    else if (payload === 'avro')
      yield { ...event, value: framed(SCHEMA_ID, type.toBuffer(avroOrder(value.toString()))) };
    else if (payload === 'json-schema') yield { ...event, value: framed(SCHEMA_ID, value) };
    else if (payload === 'large') yield { ...event, value: value.toString().replace(/\}$/, padding) };
    else if (payload === 'common-amounts')
      yield { ...event, value: value.toString().replace(EUROPEAN_AMOUNT, inDollars) };
    else {
      const id = /"change_id":"[^"]*"/.exec(value.toString())?.[0] ?? '"change_id":null';
      yield { ...event, value: `{${id},"order_id":"${key}","amount":"$12.50","status":"paid"}` };
    }
  }
}

const EUROPEAN_AMOUNT = /"([\d.]+),(\d\d) €"/;

function inDollars(_: string, whole: string, cents: string): string {
  return `"$${whole.replaceAll('.', ',')}.${cents}"`;
}

/** Runs a program to its end; its last line on stdout is JSON. @param sample called with its pid now and then */
export async function runJson<T>(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  sample: (pid: number) => void = () => {},
): Promise<T> {
  const child: ChildProcess = spawn(args[0], args.slice(1), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout?.on('data', (text: Buffer) => {
    stdout += text;
  });
  const sampler = setInterval(() => child.pid !== undefined && sample(child.pid), SAMPLE_MS);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearInterval(sampler);
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as T;
}

const SAMPLE_MS = 500;

/** Waits until a program has logged a line like this. @throws if it ends without one */
export async function untilLine({ stderr }: ChildProcess, pattern: RegExp): Promise<void> {
  let text = '';
  await new Promise<void>((resolve, reject) => {
    stderr!.on('data', (piece: Buffer) => {
      if (pattern.test(text)) return;
      text += piece;
      if (pattern.test(text)) resolve();
    });
    stderr!.on('end', () => reject(new Error(`ended without a line like ${pattern}: ${text}`)));
  });
}

/** Waits until a program has ended. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null)
    await new Promise((resolve) => child.once('close', resolve));
}

export function residentMiB(pid: number | undefined): number {
  return statusMiB(pid, /VmRSS:\s+(\d+) kB/);
}

/** The most that was resident since the process started; NaN once it has ended. */
export function peakMiB(pid: number | undefined): number {
  return statusMiB(pid, /VmHWM:\s+(\d+) kB/);
}

function statusMiB(pid: number | undefined, pattern: RegExp): number {
  try {
    return Math.round(Number(pattern.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);
  } catch {
    return Number.NaN;
  }
}

/** DuckDB's extensions as `node scripts/setup.mjs --tests` provides them, for SINK=ducklake. */
export const EXTENSION_DIRECTORY = fileURLToPath(new URL('../build/duckdb-extensions', import.meta.url));

/** `sluice run --until-end` on a topic, into a data directory that is removed afterwards. */
export async function runSluice(
  bootstrap: string,
  topic: string,
  env: NodeJS.ProcessEnv = {},
  options: { readonly sample?: (pid: number) => void; readonly nodeArgs?: readonly string[] } = {},
): Promise<RunSummary> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  try {
    return await runJson<RunSummary>(
      [process.execPath, ...(options.nodeArgs ?? []), 'dist/cli.js', 'run', '--until-end'],
      {
        KAFKA_BROKERS: bootstrap,
        KAFKA_TOPIC: topic,
        KAFKA_GROUP_ID: `${topic}-${Date.now()}`,
        DATA_DIR: dataDir,
        METRICS_PORT: '0',
        LOG_LEVEL: 'warn',
        DUCKDB_EXTENSION_DIRECTORY: EXTENSION_DIRECTORY,
        ...env,
      },
      options.sample,
    );
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** The client's own consume loop, which does nothing with the messages. */
export function runBare(bootstrap: string, topic: string, partitions: number, events: number): Promise<Outcome> {
  return runJson([
    process.execPath,
    VITE_NODE,
    'bench/bare-consume.ts',
    bootstrap,
    topic,
    `${partitions}`,
    `${events}`,
  ]);
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

export const rate = ({ events, seconds }: Outcome) => events / seconds;
export const cpuMicros = ({ events, cpuSeconds }: Outcome) => (cpuSeconds * 1e6) / events;

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** One line of medians, with the spread of the rates. */
export function describe(name: string, outcomes: readonly Outcome[]): string {
  const rates = outcomes.map(rate);
  return (
    `${name.padEnd(34)} ${count(median(rates)).padStart(10)} rows/s ` +
    `(${count(Math.min(...rates))} to ${count(Math.max(...rates))})  ` +
    `${median(outcomes.map(cpuMicros)).toFixed(2).padStart(6)} CPU µs per row  ` +
    `${median(outcomes.map(({ peakRssMiB }) => peakRssMiB))} MiB`
  );
}

export function machine(): string {
  const [{ model }] = cpus();
  return `${cpus().length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
}

/** Keeps the figures of a benchmark for its plots, with what they were measured on. @param file none if undefined */
export function writeResults(file: string | undefined, benchmark: string, figures: unknown): void {
  if (file === undefined) return;
  const commit = execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  const measured = { benchmark, machine: machine(), date: new Date().toISOString().slice(0, 10), commit };
  writeFileSync(file, `${JSON.stringify({ ...measured, figures }, undefined, 1)}\n`);
}
