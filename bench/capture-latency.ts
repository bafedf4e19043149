/**
 * From a write to MongoDB to its row in DuckDB, through `sluice capture` and `sluice run`, under a paced load:
 *
 *   npm run bench:capture-latency -- --rates 500,2000 --seconds 20
 *
 * Time counts from when a write was due, so a writer or server that falls behind is in the figures. The server is the
 * replica set of the tests; everything runs on the same machine.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { type Collection, Decimal128, MongoClient } from 'mongodb';
import { type ReplicaSet, startReplicaSet } from '../test/support/mongo/server.js';
import { createTopic } from '../test/support/produce.js';
import { ended, machine, untilLine, withBroker, writeResults } from './harness.js';
import { type Latencies, report, type Sighting, seen, watch } from './sightings.js';

const { values: flags } = parseArgs({
  options: {
    rates: { type: 'string', default: '500,2000' },
    seconds: { type: 'string', default: '20' },
    partitions: { type: 'string', default: '4' },
    kafka: { type: 'string' },
    json: { type: 'string' },
  },
});

const TICK_MS = 10;
/** The first seconds are left out: the programs start, and their code is not compiled yet. */
const WARM_UP_SECONDS = 10;

type Orders = Collection<{ _id: string }>;

async function measure(bootstrap: string, server: ReplicaSet, rate: number): Promise<Latencies & { rate: number }> {
  const topic = `capture-latency-${rate}-${Date.now()}`;
  await createTopic(bootstrap, topic, Number(flags.partitions));
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-latency-'));
  const env = {
    ...process.env,
    KAFKA_BROKERS: bootstrap,
    KAFKA_TOPIC: topic,
    KAFKA_GROUP_ID: topic,
    MONGODB_URI: server.uri,
    MONGODB_DATABASE: topic,
    DATA_DIR: dataDir,
    METRICS_PORT: '0',
    LOG_FORMAT: 'json',
  };
  const start = (...args: string[]) =>
    spawn(process.execPath, ['dist/cli.js', ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const run = start('run');
  const capture = start('capture', '--snapshot', 'never');
  const client = new MongoClient(server.uri);
  try {
    await untilLine(run, /"msg":"reading /);
    await untilLine(capture, /following the change stream/);
    const dueMs = new Float64Array(rate * (Number(flags.seconds) + WARM_UP_SECONDS));
    const writing = write(client.db(topic).collection('orders'), rate, dueMs);
    const sightings = await watch(dataDir, dueMs.length);
    await writing;
    capture.kill('SIGTERM');
    run.kill('SIGTERM');
    await Promise.all([ended(capture), ended(run)]);
    return { rate, ...report(rate, await latencies(dataDir, sightings, dueMs)) };
  } finally {
    capture.kill('SIGKILL');
    run.kill('SIGKILL');
    await client.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Inserts an order for each element of `dueMs`, which then says when it was due, milliseconds since the epoch. */
async function write(orders: Orders, rate: number, dueMs: Float64Array): Promise<void> {
  const startMs = Date.now();
  for (let n = 0; n < dueMs.length; await sleep(TICK_MS)) {
    const due = Math.min(dueMs.length, Math.floor(((Date.now() - startMs) * rate) / 1e3));
    const batch = [];
    for (; n < due; n++) {
      dueMs[n] = startMs + (n * 1e3) / rate;
      batch.push(order(n));
    }
    if (batch.length > 0) await orders.insertMany(batch);
  }
}

function order(n: number) {
  return {
    _id: `${n}`,
    customer: { id: `c-${n}`, email: `c${n}@example.com`, name: 'Ada Example' },
    amount: Decimal128.fromString(`${n}.50`),
    currency: 'EUR',
    status: 'created',
    items: [{ sku: `s-${n % 99}`, qty: 2, price: '19.90' }],
  };
}

/** Milliseconds per row, without those of the warm-up. @throws if a write has no row */
async function latencies(dataDir: string, sightings: ReadonlyMap<number, Sighting[]>, dueMs: Float64Array) {
  const instance = await DuckDBInstance.create(join(dataDir, 'analytics.db'), { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(
    'SELECT kafka_partition, kafka_offset::INTEGER, order_id::INTEGER FROM orders ORDER BY order_id::INTEGER',
  );
  const [partitions, offsets, ids] = reader.getColumns() as number[][];
  connection.closeSync();
  instance.closeSync();
  if (ids.length !== dueMs.length) throw new Error(`${ids.length} rows of ${dueMs.length} writes`);
  const first = (dueMs.length * WARM_UP_SECONDS) / (Number(flags.seconds) + WARM_UP_SECONDS);
  const milliseconds = new Float64Array(ids.length - first);
  for (let row = first; row < ids.length; row++) {
    milliseconds[row - first] = seen(sightings.get(partitions[row])!, offsets[row]) - dueMs[ids[row]];
  }
  return milliseconds.sort();
}

await withBroker(flags.kafka, async (bootstrap) => {
  console.log(`${flags.seconds} s at each rate, ${flags.partitions} partitions; ${machine()}`);
  const server = await startReplicaSet();
  try {
    const figures = [];
    for (const rate of flags.rates.split(',')) figures.push(await measure(bootstrap, server, Number(rate)));
    writeResults(flags.json, 'capture-latency', figures);
  } finally {
    await server.kill();
  }
});
process.exit();
