/**
 * Loads that are not the usual one: large messages, and topics of many partitions.
 *
 *   npm run bench:loads -- --sizes 1000,100000,1000000,20000000 --megabytes 1000
 *   npm run bench:loads -- --partitions 1,50,200,1000 --rate 20000 --seconds 30
 *
 * By size: a topic of 4 partitions is read to its end; the figures are its rate and the peak of the process's memory.
 * By partitions: a producer writes to a running Sluice at an even rate; the figures are how far behind it was when the
 * producer ended, how long it took to the last commit, and rows per Parquet file.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { allRows, openSql } from '../src/query/sql-client.js';
import { orderEvents } from '../test/support/events.js';
import { createTopic, type TestMessage, TestProducer } from '../test/support/produce.js';
import { count, ended, machine, rate, runSluice, untilLine, withBroker, writeResults } from './harness.js';

const { values: flags } = parseArgs({
  options: {
    sizes: { type: 'string', default: '' },
    megabytes: { type: 'string', default: '1000' },
    partitions: { type: 'string', default: '' },
    rate: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '30' },
    kafka: { type: 'string' },
    json: { type: 'string' },
  },
});

const numbers = (list: string) => list.split(',').filter(Boolean).map(Number);

/** Events with a text field that makes each of them this large. */
function* padded(events: number, bytes: number): Generator<TestMessage> {
  for (const event of orderEvents({ count: events })) {
    const text = event.value?.toString() ?? '{}';
    const padding = Math.max(0, bytes - text.length - 10);
    yield { ...event, value: text.replace(/\}$/, `,"note":"${'n'.repeat(padding)}"}`) };
  }
}

async function bySize(bootstrap: string, bytes: number) {
  const events = Math.max(40, Math.round((Number(flags.megabytes) * 1e6) / bytes));
  const topic = `bench-size-${bytes}-${Date.now()}`;
  await createTopic(bootstrap, topic, 4, { 'max.message.bytes': `${64 << 20}` });
  const producer = await TestProducer.connect(bootstrap, {
    properties: { 'message.max.bytes': 64 << 20, 'queue.buffering.max.kbytes': 256 << 10 },
  });
  await producer.send(topic, padded(events, bytes));
  await producer.close();
  const outcome = await runSluice(bootstrap, topic, { KAFKA_CONFIG_MESSAGE_MAX_BYTES: `${64 << 20}` });
  const megabytes = (rate(outcome) * bytes) / 1e6;
  console.log(
    `${count(bytes).padStart(11)} bytes  ${count(events).padStart(9)} messages  ` +
      `${count(rate(outcome)).padStart(8)} rows/s  ${megabytes.toFixed(0).padStart(4)} MB/s  ` +
      `peak ${outcome.peakRssMiB} MiB`,
  );
  return { messageBytes: bytes, ...outcome };
}

async function byPartitions(bootstrap: string, partitions: number) {
  const topic = `bench-partitions-${partitions}-${Date.now()}`;
  await createTopic(bootstrap, topic, partitions);
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const run = spawn(process.execPath, ['dist/cli.js', 'run'], {
    env: {
      ...process.env,
      ...{ KAFKA_BROKERS: bootstrap, KAFKA_TOPIC: topic, KAFKA_GROUP_ID: topic, DATA_DIR: dataDir },
      ...{ METRICS_PORT: '0', LOG_FORMAT: 'json' },
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    await untilLine(run, /"msg":"reading/);
    const perSecond = Number(flags.rate);
    const seconds = Number(flags.seconds);
    // A request of librdkafka's has messages of one partition: without a pause, their number is the producer's bound.
    const properties = { 'linger.ms': Math.max(10, 2 * partitions) };
    const producer = await TestProducer.connect(bootstrap, { properties });
    const events = orderEvents({ count: perSecond * seconds });
    const startMs = performance.now();
    for (let tick = 1; tick <= seconds * 10; tick++) {
      const batch: TestMessage[] = [];
      for (let n = 0; n < perSecond / 10; n++) batch.push(events.next().value as TestMessage);
      await producer.enqueue(topic, batch);
      await sleep(Math.max(0, startMs + tick * 100 - performance.now()));
    }
    await producer.flush();
    await producer.close();
    const producedSeconds = (performance.now() - startMs) / 1e3;
    const consumed = async () => {
      const sql = await openSql(dataDir);
      try {
        const totals = 'SELECT coalesce(sum(rows_consumed), 0)::INTEGER AS rows, count(file)::INTEGER AS files';
        const [{ rows, files }] = await allRows(sql, `${totals} FROM sluice.batches`);
        return { rows: Number(rows), files: Number(files) };
      } finally {
        sql.close();
      }
    };
    const behind = perSecond * seconds - (await consumed()).rows;
    const limitMs = performance.now() + 120_000;
    let done = await consumed();
    while (done.rows < perSecond * seconds && performance.now() < limitMs) {
      await sleep(200);
      done = await consumed();
    }
    const outcome = {
      partitions,
      produced: Math.round((perSecond * seconds) / producedSeconds),
      behind,
      caughtUpSeconds: (performance.now() - startMs) / 1e3 - producedSeconds,
      rows: done.rows,
      rowsPerFile: done.rows / Math.max(1, done.files),
    };
    console.log(
      `${count(partitions).padStart(6)} partitions  ${count(outcome.produced)} messages/s  ` +
        `${count(behind)} behind at the end, caught up ${outcome.caughtUpSeconds.toFixed(1)} s later  ` +
        `${outcome.rowsPerFile.toFixed(1)} rows per file` +
        (done.rows < perSecond * seconds ? `  NOT CAUGHT UP: ${count(done.rows)} rows` : ''),
    );
    return outcome;
  } finally {
    run.kill('SIGTERM');
    await ended(run);
    rmSync(dataDir, { recursive: true, force: true });
  }
}

await withBroker(flags.kafka, async (bootstrap) => {
  console.log(machine());
  const sizes = [];
  for (const bytes of numbers(flags.sizes)) sizes.push(await bySize(bootstrap, bytes));
  const partitions = [];
  for (const number of numbers(flags.partitions)) partitions.push(await byPartitions(bootstrap, number));
  writeResults(flags.json, 'loads', { sizes, partitions });
});
