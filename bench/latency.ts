/**
 * From the Kafka timestamp of an event to its row in DuckDB or in a lake, under a paced load:
 *
 *   npm run bench:latency -- --rates 1000,20000,100000 --seconds 20 --sinks duckdb,ducklake
 *
 * A row is visible when another connection sees its partition's position after it. The bench asks the running process
 * for positions every few milliseconds, so figures are high by up to that interval and never low. Sinks take turns.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { allRows, openSql } from '../src/query/sql-client.js';
import { createTopic } from '../test/support/produce.js';
import { EXTENSION_DIRECTORY, ended, machine, untilLine, VITE_NODE, withBroker, writeResults } from './harness.js';
import { type Latencies, report, type Sighting, seen, watch } from './sightings.js';

const { values: flags } = parseArgs({
  options: {
    rates: { type: 'string', default: '1000,20000,100000' },
    seconds: { type: 'string', default: '20' },
    partitions: { type: 'string', default: '4' },
    sinks: { type: 'string', default: 'duckdb' },
    kafka: { type: 'string' },
    json: { type: 'string' },
  },
});

/** The first seconds are left out: the pipeline starts. */
const WARM_UP_SECONDS = 3;

async function measure(
  bootstrap: string,
  rate: number,
  sink: string,
): Promise<Latencies & { rate: number; sink: string }> {
  const topic = `latency-${sink}-${rate}-${Date.now()}`;
  await createTopic(bootstrap, topic, Number(flags.partitions));
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-latency-'));
  const settings = { KAFKA_BROKERS: bootstrap, KAFKA_TOPIC: topic, KAFKA_GROUP_ID: topic, DATA_DIR: dataDir };
  const env = {
    ...{ ...process.env, ...settings, METRICS_PORT: '0', LOG_FORMAT: 'json' },
    ...{ SINK: sink, DUCKDB_EXTENSION_DIRECTORY: EXTENSION_DIRECTORY },
  };
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
    const milliseconds = await latencies(dataDir, sightings, rate);
    run.kill('SIGTERM');
    await ended(run);
    console.log(sink);
    return { rate, sink, ...report(rate, milliseconds) };
  } finally {
    run.kill('SIGKILL');
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Milliseconds per row, sorted; without those of the warm-up. Asks the running process. */
async function latencies(dataDir: string, sightings: ReadonlyMap<number, Sighting[]>, rate: number) {
  const client = await openSql(dataDir);
  const rows = await allRows(
    client,
    `SELECT kafka_partition AS p, kafka_offset::INTEGER AS n, epoch_ms(kafka_timestamp)::DOUBLE AS t FROM cdc_orders
     ORDER BY kafka_timestamp OFFSET ${rate * WARM_UP_SECONDS}`,
  );
  client.close();
  const expected = rate * Number(flags.seconds);
  if (rows.length !== expected) throw new Error(`the table has ${rows.length} rows after the warm-up, not ${expected}`);
  const delay = ({ p, n, t }: (typeof rows)[number]) => seen(sightings.get(Number(p))!, Number(n)) - Number(t);
  return Float64Array.from(rows, delay).sort();
}

await withBroker(flags.kafka, async (bootstrap) => {
  console.log(`${flags.seconds} s at each rate, ${flags.partitions} partitions; ${machine()}`);
  const figures = [];
  for (const rate of flags.rates.split(',')) {
    for (const sink of flags.sinks.split(',')) figures.push(await measure(bootstrap, Number(rate), sink));
  }
  writeResults(flags.json, 'latency', figures);
});
process.exit();
