/**
 * From the Kafka timestamp of an event to its row in DuckDB, under a paced load:
 *
 *   npm run bench:latency -- --rates 1000,20000,100000 --seconds 20
 *
 * A row is visible when another connection sees its partition's position after it. The bench asks the running process
 * for positions every few milliseconds, so figures are high by up to that interval and never low.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { createTopic } from '../test/support/produce.js';
import { ended, machine, untilLine, VITE_NODE, withBroker, writeResults } from './harness.js';
import { type Latencies, report, type Sighting, seen, watch } from './sightings.js';

const { values: flags } = parseArgs({
  options: {
    rates: { type: 'string', default: '1000,20000,100000' },
    seconds: { type: 'string', default: '20' },
    partitions: { type: 'string', default: '4' },
    kafka: { type: 'string' },
    json: { type: 'string' },
  },
});

/** The first seconds are left out: the pipeline starts. */
const WARM_UP_SECONDS = 3;

async function measure(bootstrap: string, rate: number): Promise<Latencies & { rate: number }> {
  const topic = `latency-${rate}-${Date.now()}`;
  await createTopic(bootstrap, topic, Number(flags.partitions));
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-latency-'));
  const settings = { KAFKA_BROKERS: bootstrap, KAFKA_TOPIC: topic, KAFKA_GROUP_ID: topic, DATA_DIR: dataDir };
  const env = { ...process.env, ...settings, METRICS_PORT: '0', LOG_FORMAT: 'json' };
  const run = spawn(process.execPath, ['dist/cli.js', 'run'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    await untilLine(run, /"msg":"reading /);
    const events = rate * (Number(flags.seconds) + WARM_UP_SECONDS);
    const load = ['--bootstrap', bootstrap, '--topic', topic, '--partitions', '0', '--plain', '--rate', `${rate}`];
    const loader = spawn(process.execPath, [VITE_NODE, 'test/support/load.ts', '--', ...load, '--count', `${events}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const sightings = await watch(dataDir, events);
    await ended(loader);
    run.kill('SIGTERM');
    await ended(run);
    return { rate, ...report(rate, await latencies(dataDir, sightings, rate)) };
  } finally {
    run.kill('SIGKILL');
    rmSync(dataDir, { recursive: true, force: true });
  }
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

await withBroker(flags.kafka, async (bootstrap) => {
  console.log(`${flags.seconds} s at each rate, ${flags.partitions} partitions; ${machine()}`);
  const figures = [];
  for (const rate of flags.rates.split(',')) figures.push(await measure(bootstrap, Number(rate)));
  writeResults(flags.json, 'latency', figures);
});
process.exit();
