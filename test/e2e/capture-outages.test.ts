/** `sluice capture` through elections, broken connections and a Kafka that is gone: each change exactly once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { expect, it, onTestFinished, vi } from 'vitest';
import { CliProcess } from '../support/cli.js';
import { describeKafka, describePrivateKafka, uniqueTopic } from '../support/kafka/shared.js';
import { startReplicaSet } from '../support/mongo/server.js';
import { consumeAll, createTopic } from '../support/produce.js';
import { TcpProxy } from '../support/proxy.js';
import { Random } from '../support/random.js';
import { capturedIs, captureEnv, LONG_MS, messagesOf, stopCapture } from './capturing.js';
import type { Order } from './mongo-orders.js';

const LONG = { timeout: LONG_MS };
/** How long Kafka is gone. A minute and more is worth a try now and then: transactions time out meanwhile. */
const GONE_MS = Number(process.env.TEST_KAFKA_GONE_MS ?? 3000);

describeKafka('capture', (bootstrap) => {
  /** A replica set of the test's own, and what captures it, by way of `uri` if given. */
  async function setUp(name: string, more: Record<string, string> = {}) {
    const server = await startReplicaSet();
    onTestFinished(() => server.kill());
    const client = new MongoClient(server.uri);
    onTestFinished(() => client.close());
    const { env, topic } = await captureEnv(bootstrap(), server.uri, name, { TRANSACTION_EVENTS: '50', ...more });
    return { server, client, env, topic, orders: client.db(topic).collection<Order>('orders') };
  }

  const changesIn = async (topic: string) =>
    (await messagesOf(bootstrap(), topic)).filter(({ key }) => !key.startsWith('snapshot:'));

  it('continues after elections', LONG, async () => {
    const { client, env, topic, orders } = await setUp('elections');
    const ids = Array.from({ length: 2000 }, (_, n) => `s-${n}`);
    await orders.insertMany(ids.map((_id) => ({ _id, n: 0 })));
    const elect = (milliseconds: number, closeConnections: boolean) =>
      client.db('admin').command({ replSetStepDown: milliseconds, closeConnections });
    const capture = await CliProcess.start(['capture'], { env, timeoutMs: LONG_MS });
    await capture.line(/taking a snapshot/);
    await elect(500, false);
    await capture.line(/following the change stream/);
    let isOver = false;
    const written = Array.from({ length: 4 }, async (_, writer) => {
      const counts = new Map<string, number>();
      for (let n = 0; !isOver; n++) {
        const _id = `w${writer}-${n % 20}`;
        const write = () => orders.replaceOne({ _id }, { n: counts.get(_id) ?? 0 }, { upsert: true });
        // Written twice it is still one change.
        while (!(await write().catch(() => false)));
        counts.set(_id, (counts.get(_id) ?? 0) + 1);
      }
      return counts;
    });
    const random = new Random(3);
    for (let elections = 0; elections < 6; elections++) {
      await sleep(300 + random.below(500));
      // The answer may go down with the connection that it was asked on.
      await elect(random.below(1500), elections % 2 === 1).catch(() => {});
    }
    await sleep(1500);
    isOver = true;
    const counts = new Map((await Promise.all(written)).flatMap((each) => [...each]));
    await orders.insertOne({ _id: 'last' });
    await capturedIs(bootstrap(), topic, 'last');
    await stopCapture(capture);
    expect(capture.stderr).toMatch(/"level":40.*(reopening the stream|retrying to read)/);
    const changes = await changesIn(topic);
    expect(new Set(changes.map(({ value }) => value.change_id)).size).toBe(changes.length);
    expect(changes.flatMap(({ key, value }) => (value.operation === 'snapshot' ? key : [])).sort()).toEqual(ids.sort());
    for (const [id, count] of counts) {
      const values = changes.filter(({ key }) => key === id).map(({ value }) => value.n);
      expect(values).toEqual(Array.from({ length: count }, (_, n) => n));
    }
  });

  it('continues after broken connections', LONG, async () => {
    const { server, env, topic, orders } = await setUp('broken');
    const proxy = await TcpProxy.start(Number(new URL(server.uri).port));
    onTestFinished(() => proxy.close());
    const ids = Array.from({ length: 6000 }, (_, n) => `o-${n}`);
    await orders.insertMany(ids.slice(0, 3000).map((_id) => ({ _id })));
    const capture = await CliProcess.start(['capture'], {
      env: { ...env, MONGODB_URI: `mongodb://127.0.0.1:${proxy.port}/?directConnection=true` },
      timeoutMs: LONG_MS,
    });
    await capture.line(/taking a snapshot/);
    await sleep(50);
    proxy.breakAll();
    await capture.line(/following the change stream/);
    for (let n = 3000; n < 6000; n += 10) {
      await orders.insertMany(ids.slice(n, n + 10).map((_id) => ({ _id })));
      if (n % 600 === 0) proxy.breakAll();
    }
    await capturedIs(bootstrap(), topic, ids.at(-1)!);
    await stopCapture(capture);
    expect((await changesIn(topic)).map(({ key }) => key).sort()).toEqual(ids.sort());
  });
});

describePrivateKafka('capture, while Kafka is gone', (broker) => {
  const ids = Array.from({ length: 300 }, (_, n) => `o-${n}`);

  async function setUp(more: Record<string, string> = {}) {
    const server = await startReplicaSet();
    onTestFinished(() => server.kill());
    const client = new MongoClient(server.uri);
    onTestFinished(() => client.close());
    const orders = client.db('shop').collection<Order>('orders');
    const topic = uniqueTopic('gone');
    const { bootstrap } = broker();
    await createTopic(bootstrap, topic, 2);
    const env = {
      KAFKA_BROKERS: bootstrap,
      KAFKA_TOPIC: topic,
      MONGODB_URI: server.uri,
      METRICS_PORT: '0',
      LOG_FORMAT: 'json',
      ...more,
    };
    const start = async () => {
      const capture = await CliProcess.start(['capture', '--snapshot', 'never'], { env, timeoutMs: LONG_MS });
      await capture.line(/following the change stream/);
      return capture;
    };
    const insert = (from: number, to: number) => orders.insertMany(ids.slice(from, to).map((_id) => ({ _id })));
    const keys = async () => {
      const all = (await consumeAll(bootstrap, topic)).map(({ key }) => key!.toString());
      return all.filter((key) => !key.startsWith('snapshot:')).sort();
    };
    const hasAll = () =>
      vi.waitFor(async () => expect(await keys()).toEqual([...ids].sort()), { timeout: 90_000, interval: 500 });
    return { topic, orders, start, insert, hasAll };
  }

  it('waits for it, and continues', LONG, async () => {
    const { start, insert, hasAll } = await setUp();
    const capture = await start();
    await insert(0, 100);
    await sleep(500);
    await broker().kill();
    await insert(100, 200);
    await sleep(GONE_MS);
    await broker().restart();
    await insert(200, 300);
    await hasAll();
    await stopCapture(capture);
  });

  it('asks for the partitions to mark until it is back', LONG, async () => {
    const { topic, orders, start, insert, hasAll } = await setUp({ ON_INVALIDATE: 'continue' });
    const capture = await start();
    await insert(0, 100);
    await capturedIs(broker().bootstrap, topic, ids[99]);
    await broker().kill();
    await orders.drop();
    await capture.line(/asking for the partitions of .* again/);
    await broker().restart();
    await insert(100, 300);
    await hasAll();
    await stopCapture(capture);
  });

  it('ends within its grace period at SIGTERM, and the next one has what was in flight', LONG, async () => {
    const { start, insert, hasAll } = await setUp({ SHUTDOWN_GRACE_MS: '500' });
    const first = await start();
    await insert(0, 100);
    await sleep(500);
    await broker().kill();
    await insert(100, 200);
    await first.line(/Kafka: /);
    // Nothing tells that they were read and are in flight.
    await sleep(2000);
    await stopCapture(first);
    expect(first.stderr).toMatch(/the grace period is over/);
    await broker().restart();
    const second = await start();
    await insert(200, 300);
    await hasAll();
    await stopCapture(second);
  });
});
