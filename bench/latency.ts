/**
 * From the Kafka timestamp of an event to its row in DuckDB, under a paced load:
 *
 *   npm run bench:latency -- --rates 1000,20000,100000 --seconds 20
 *
 * A row counts as there when another connection sees its partition's position behind it. Positions are asked for every
 * few milliseconds through the running process, so figures are high by up to that interval and never low.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { allRows, openSql } from '../src/sql-client.js';
import { createTopic } from '../test/support/produce.js';
import { count, machine, VITE_NODE, withBroker, writeResults } from './harness.js';

const { values: flags } = parseArgs({
  options: {
    rates: { type: 'string', default: '1000,20000,100000' },
    seconds: { type: 'string', default: '20' },
    partitions: { type: 'string', default: '4' },
    kafka: { type: 'string' },
    json: { type: 'string' },
  },
});

const POLL_MS = 10;
/** The first seconds are of a pipeline that starts. */
const WARM_UP_SECONDS = 3;

/** When a partition's position was first seen at an offset. */
interface Sighting {
  readonly nextOffset: number;
  readonly seenMs: number;
}

type Latencies = Record<'p50' | 'p95' | 'p99' | 'max', number>;

async function measure(bootstrap: string, rate: number): Promise<Latencies & { rate: number }> {
  const topic = `latency-${rate}-${Date.now()}`;
  await createTopic(bootstrap, topic, Number(flags.partitions));
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-latency-'));
  const settings = { KAFKA_BROKERS: bootstrap, KAFKA_TOPIC: topic, KAFKA_GROUP_ID: topic, DATA_DIR: dataDir };
  const env = { ...process.env, ...settings, METRICS_PORT: '0', LOG_FORMAT: 'json' };
  const run = spawn(process.execPath, ['dist/cli.js', 'run'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    await untilReading(run);
    const events = rate * (Number(flags.seconds) + WARM_UP_SECONDS);
    const load = ['--bootstrap', bootstrap, '--topic', topic, '--partitions', '0', '--plain', '--rate', `${rate}`];
    const loader = spawn(process.execPath, [VITE_NODE, 'test/support/load.ts', '--', ...load, '--count', `${events}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const sightings = await watch(dataDir, events);
    if (loader.exitCode === null) await ended(loader);
    run.kill('SIGTERM');
    await ended(run);
    return { rate, ...report(rate, await latencies(dataDir, sightings, rate)) };
  } finally {
    run.kill('SIGKILL');
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function untilReading(run: ChildProcess): Promise<void> {
  let text = '';
  for await (const piece of run.stderr!) {
    text += piece;
    if (/"msg":"reading /.test(text)) break;
  }
  if (run.exitCode !== null) throw new Error(`sluice run ended: ${text}`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null) await new Promise((resolve) => child.once('close', resolve));
}

/** Notes the positions until all events are committed. */
async function watch(dataDir: string, events: number): Promise<Map<number, Sighting[]>> {
  const sightings = new Map<number, Sighting[]>();
  const client = await openSql(dataDir);
  for (let committed = 0; committed < events; await sleep(POLL_MS)) {
    const rows = await allRows(client, 'SELECT partition_id AS p, next_offset::INTEGER AS n FROM sluice.positions');
    const seenMs = Date.now();
    committed = 0;
    for (const { p, n } of rows) {
      committed += Number(n);
      const list = sightings.get(Number(p)) ?? [];
      sightings.set(Number(p), list);
      if (list.at(-1)?.nextOffset !== Number(n)) list.push({ nextOffset: Number(n), seenMs });
    }
  }
  client.close();
  return sightings;
}

/** Milliseconds per row, sorted; without those of the warm-up. */
async function latencies(dataDir: string, sightings: ReadonlyMap<number, Sighting[]>, rate: number) {
  const instance = await DuckDBInstance.create(join(dataDir, 'analytics.db'), { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(
    `SELECT kafka_partition, kafka_offset::INTEGER, epoch_ms(kafka_timestamp)::DOUBLE FROM cdc_orders
     ORDER BY kafka_timestamp OFFSET ${rate * WARM_UP_SECONDS}`,
  );
  const [partitions, offsets, timestamps] = reader.getColumns() as number[][];
  const milliseconds = new Float64Array(partitions.length);
  for (const [row, partition] of partitions.entries()) {
    milliseconds[row] = seen(sightings.get(partition)!, offsets[row]) - timestamps[row];
  }
  connection.closeSync();
  instance.closeSync();
  return milliseconds.sort();
}

/** When the position was first behind the offset: a binary search. */
function seen(list: readonly Sighting[], offset: number): number {
  let [low, high] = [0, list.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle].nextOffset > offset) high = middle;
    else low = middle + 1;
  }
  return list[low].seenMs;
}

function report(rate: number, milliseconds: Float64Array): Latencies {
  const at = (share: number) =>
    milliseconds[Math.min(milliseconds.length - 1, Math.floor(milliseconds.length * share))];
  const figures = { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
  const cells = Object.entries(figures).map(([name, value]) => `${name} ${Math.round(value)} ms`.padEnd(14));
  console.log(`${count(rate).padStart(9)} events/s   ${cells.join(' ')} (${count(milliseconds.length)} rows)`);
  return figures;
}

await withBroker(flags.kafka, async (bootstrap) => {
  console.log(`${flags.seconds} s at each rate, ${flags.partitions} partitions; ${machine()}`);
  const figures = [];
  for (const rate of flags.rates.split(',')) figures.push(await measure(bootstrap, Number(rate)));
  writeResults(flags.json, 'latency', figures);
});
process.exit();
