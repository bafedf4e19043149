/**
 * `sluice capture` against a loop that only reads the change stream:
 *
 *   npm run bench:capture -- --events 50000 [--profile FOLDER]
 *
 * The server is the replica set of the tests, which runs on the same machine and is slower than MongoDB: ratios count.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Collection, Decimal128, MongoClient, type ResumeToken } from 'mongodb';
import { startReplicaSet } from '../test/support/mongo/server.js';
import { createTopic, endOffsets } from '../test/support/produce.js';
import { count, machine, untilLine, withBroker } from './harness.js';
import { hottestFunctions } from './profiles.js';

const { values: flags } = parseArgs({
  options: {
    events: { type: 'string', default: '50000' },
    kafka: { type: 'string' },
    /** Where to put a CPU profile of the capture. */
    profile: { type: 'string' },
  },
});

const EVENTS = Number(flags.events);
const INSERT_BATCH = 1000;
const POLL_MS = 50;
const TICKS_PER_SECOND = 100;
const PARTITIONS = 4;

/** Seconds of CPU that a process has used. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function report(name: string, seconds: number, cpu: number): void {
  const rate = count(EVENTS / seconds).padStart(9);
  console.log(`${name.padEnd(31)} ${rate} events/s  ${((cpu * 1e6) / EVENTS).toFixed(1).padStart(6)} CPU µs per event`);
}

async function insertOrders(orders: Collection<{ _id: string }>): Promise<void> {
  for (let from = 0; from < EVENTS; from += INSERT_BATCH) {
    await orders.insertMany(
      Array.from({ length: Math.min(INSERT_BATCH, EVENTS - from) }, (_, n) => ({
        _id: `order-${from + n}`,
        customer: { id: `c-${n}`, email: `c${n}@example.com`, name: 'Ada Example' },
        amount: Decimal128.fromString(`${n}.50`),
        currency: 'EUR',
        status: 'created',
        items: [{ sku: `s-${n % 99}`, qty: 2, price: '19.90' }],
      })),
    );
  }
}

await withBroker(flags.kafka, async (bootstrap) => {
  console.log(`${count(EVENTS)} inserts of about 350 bytes; ${machine()}`);
  const server = await startReplicaSet();
  const client = new MongoClient(server.uri);
  const orders = client.db('shop').collection<{ _id: string }>('orders');
  const topic = `capture-${Date.now()}`;
  await createTopic(bootstrap, topic, PARTITIONS);
  const env = {
    ...process.env,
    KAFKA_BROKERS: bootstrap,
    KAFKA_TOPIC: topic,
    MONGODB_URI: server.uri,
    METRICS_PORT: '0',
    LOG_FORMAT: 'json',
  };
  const capture = (nodeFlags: readonly string[] = []) =>
    spawn(process.execPath, [...nodeFlags, 'dist/cli.js', 'capture', '--snapshot', 'never'], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  try {
    const stream = orders.watch();
    await stream.tryNext();
    const start: ResumeToken = stream.resumeToken;
    await stream.close();
    // Its first start stores the beginning of the stream.
    const first = capture();
    while ((await endOffsets(bootstrap, `${topic}.tokens`).catch(() => [0]))[0] === 0) await sleep(POLL_MS);
    first.kill('SIGTERM');
    await new Promise((resolve) => first.once('exit', resolve));
    await insertOrders(orders);
    const plain = orders.watch([], { startAfter: start, promoteValues: false });
    const cpuBefore = process.cpuUsage();
    const before = performance.now();
    for (let events = 0; events < EVENTS; events++) if ((await plain.next()) === null) throw new Error('no event');
    const used = process.cpuUsage(cpuBefore);
    report('change stream, read only', (performance.now() - before) / 1e3, (used.user + used.system) / 1e6);
    await plain.close();

    const running = capture(flags.profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', flags.profile]);
    const started = performance.now();
    await untilLine(running, /following the change stream/);
    const followed = performance.now();
    const cpuOfStart = cpuSeconds(running.pid!);
    // Offsets count transaction markers, too: this ends a few events in a thousand early.
    for (let ends = 0; ends < EVENTS; await sleep(POLL_MS)) {
      ends = (await endOffsets(bootstrap, topic)).reduce((sum, end) => sum + end, 0);
    }
    const ended = performance.now();
    const cpu = cpuSeconds(running.pid!);
    report('sluice capture, with its start', (ended - started) / 1e3, cpu);
    report('sluice capture, once it follows', (ended - followed) / 1e3, cpu - cpuOfStart);
    running.kill('SIGTERM');
    await new Promise((resolve) => running.once('exit', resolve));
    if (flags.profile !== undefined) console.table(hottestFunctions(flags.profile)[0].functions);
  } finally {
    await client.close();
    await server.kill();
  }
});
process.exit();
