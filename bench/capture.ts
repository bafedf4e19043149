/**
 * `sluice capture` beside a loop that only reads the change stream:
 *
 *   npm run bench:capture -- --events 50000
 *
 * The server is the replica set of the tests, which runs on the same machine and is slower than MongoDB: ratios count.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Decimal128, MongoClient, type ResumeToken } from 'mongodb';
import { startReplicaSet } from '../test/support/mongo/server.js';
import { createTopic, endOffsets } from '../test/support/produce.js';
import { count, machine, withBroker } from './harness.js';

const { values: flags } = parseArgs({
  options: {
    events: { type: 'string', default: '50000' },
    kafka: { type: 'string' },
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
  console.log(`${name.padEnd(28)} ${rate} events/s  ${((cpu * 1e6) / EVENTS).toFixed(1).padStart(6)} CPU µs per event`);
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
  };
  const capture = () =>
    spawn(process.execPath, ['dist/cli.js', 'capture', '--snapshot', 'never'], { env, stdio: 'ignore' });
  try {
    const stream = orders.watch();
    await stream.tryNext();
    const start: ResumeToken = stream.resumeToken;
    await stream.close();
    // Its first start stores where the stream begins.
    const first = capture();
    while ((await endOffsets(bootstrap, `${topic}.tokens`).catch(() => [0]))[0] === 0) await sleep(POLL_MS);
    first.kill('SIGTERM');
    await new Promise((resolve) => first.once('exit', resolve));
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
    const plain = orders.watch([], { startAfter: start, promoteValues: false });
    const cpuBefore = process.cpuUsage();
    const before = performance.now();
    for (let events = 0; events < EVENTS; events++) if ((await plain.next()) === null) throw new Error('no event');
    const used = process.cpuUsage(cpuBefore);
    report('change stream, read only', (performance.now() - before) / 1e3, (used.user + used.system) / 1e6);
    await plain.close();

    const running = capture();
    const started = performance.now();
    // Offsets count transaction markers, too: this ends a few events in a thousand early.
    for (let ends = 0; ends < EVENTS; await sleep(POLL_MS)) {
      ends = (await endOffsets(bootstrap, topic)).reduce((sum, end) => sum + end, 0);
    }
    report('sluice capture, with its start', (performance.now() - started) / 1e3, cpuSeconds(running.pid!));
    running.kill('SIGTERM');
    await new Promise((resolve) => running.once('exit', resolve));
  } finally {
    await client.close();
    await server.kill();
  }
});
process.exit();
