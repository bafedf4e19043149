/** Each alert of deploy/prometheus/ fires and clears by a real fault: real program, real Prometheus. */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { describe, expect, it, onTestFinished } from 'vitest';
import { captureEnv, startCapture, stopCapture } from '../e2e/capturing.js';
import type { Order } from '../e2e/mongo-orders.js';
import { committedSome, filledTopic, runEnv, startRun, stop } from '../e2e/support.js';
import { Alerting } from '../support/alerting.js';
import { avroType, framed } from '../support/avro.js';
import { temporaryDataDir } from '../support/cli.js';
import { mountedDisk } from '../support/disk.js';
import { orderEvents } from '../support/events.js';
import { describeKafka, describePrivateKafka } from '../support/kafka/shared.js';
import { startReplicaSet } from '../support/mongo/server.js';
import { freePort } from '../support/ports.js';
import { produce } from '../support/produce.js';
import { promtool, whyNoPrometheus } from '../support/prometheus.js';
import { FakeRegistry } from '../support/registry.js';

const LONG = { timeout: 300_000 };
/** A minute is a second: for what takes as long as Kafka's and the program's own pauses. */
const SLOW = 60;
/** A quarter of an hour is three seconds. */
const FAST = 300;
const ORDER = {
  type: 'record',
  name: 'Order',
  fields: ['change_id', 'order_id'].map((name) => ({ name, type: 'string' })),
};

/** Does it now and then until the test is done, or until it is told to stop. @returns that */
function again(work: () => Promise<unknown>, everyMs: number): () => void {
  const timer = setInterval(() => void work().catch(() => {}), everyMs);
  onTestFinished(() => clearInterval(timer));
  return () => clearInterval(timer);
}

/** Waits for the alert, while something is done again and again that is not done any more once it fires. */
async function firesWhile(alerting: Alerting, name: string, work: () => Promise<unknown>, everyMs = 300) {
  const end = again(work, everyMs);
  await alerting.fires(name);
  end();
}

describe.skipIf(whyNoPrometheus() !== undefined)('the alert', () => {
  describeKafka('of a run', (bootstrap) => {
    /** A run on a topic with some messages, and the Prometheus that scrapes it. */
    async function scraped(name: string, factor: number, more: Record<string, string> = {}, events = 1000) {
      const topic = await filledTopic(bootstrap(), name, 2, orderEvents({ count: events, shares: {} }));
      const port = await freePort();
      const dataDir = more.DATA_DIR ?? (await temporaryDataDir());
      const env = runEnv(bootstrap(), topic, dataDir, { METRICS_PORT: `${port}`, ...more });
      const run = await startRun(env);
      return { topic, env, run, alerting: await Alerting.start(port, factor) };
    }

    it('SluiceDown', LONG, async () => {
      const { env, run, alerting } = await scraped('down', SLOW);
      expect(await alerting.firing()).toEqual([]);
      run.kill('SIGKILL');
      await run.ended;
      await alerting.fires('SluiceDown');
      const next = await startRun(env);
      await alerting.clears('SluiceDown');
      await stop(next);
    });

    it('SluiceRestarts', LONG, async () => {
      const { env, run, alerting } = await scraped('restarts', 20);
      let last = run;
      for (let restarts = 0; restarts < 12 && !(await alerting.firing()).includes('SluiceRestarts'); restarts++) {
        last.kill('SIGKILL');
        await last.ended;
        last = await startRun(env);
        // A scrape of each.
        await setTimeout(1000);
      }
      await alerting.fires('SluiceRestarts');
      await alerting.clears('SluiceRestarts');
      await stop(last);
    });

    it('SluiceLateRows', LONG, async () => {
      const { topic, run, alerting } = await scraped('late', FAST);
      let seed = 2;
      const late = () => produce(bootstrap(), topic, orderEvents({ count: 20, seed: seed++, shares: { late: 0.5 } }));
      await firesWhile(alerting, 'SluiceLateRows', late);
      await alerting.clears('SluiceLateRows');
      await stop(run);
    });

    it('SluiceQuarantine', LONG, async () => {
      const { topic, run, alerting } = await scraped('malformed', FAST);
      await firesWhile(alerting, 'SluiceQuarantine', () => produce(bootstrap(), topic, [{ value: '[]' }]));
      await alerting.clears('SluiceQuarantine');
      await stop(run);
    });

    it('SluiceLagGrowing, SluiceErrors: the schema registry is away', LONG, async () => {
      const registry = await FakeRegistry.start();
      const id = registry.register('x', ORDER);
      registry.broken = 503;
      const of = { VALUE_FORMAT: 'avro', SCHEMA_REGISTRY_URL: registry.url };
      const { topic, run, alerting } = await scraped('registry', 20, of, 0);
      const type = avroType(ORDER);
      let orders = 0;
      const value = () => framed(id, type.toBuffer({ change_id: `c-${orders++}`, order_id: 'o' }));
      const more = () =>
        produce(
          bootstrap(),
          topic,
          Array.from({ length: 2000 }, () => ({ value: value() })),
        );
      const end = again(more, 1000);
      await alerting.fires('SluiceErrors');
      await alerting.fires('SluiceLagGrowing');
      end();
      registry.broken = undefined;
      await alerting.clears('SluiceLagGrowing');
      await alerting.clears('SluiceErrors');
      await stop(run);
    });

    it('SluiceDiskFull', LONG, async ({ skip }) => {
      const disk = await mountedDisk('1g');
      if (disk === undefined) return skip('mounting is not allowed here');
      const { run, alerting } = await scraped('disk', FAST, { DATA_DIR: path.join(disk, 'data') });
      let files = 0;
      const filler = (index: number) => path.join(disk, `filler-${index}`);
      await firesWhile(alerting, 'SluiceDiskFull', async () => {
        if (files < 60) writeFileSync(filler(files++), Buffer.alloc(4 << 20));
      });
      for (let index = 0; index < files; index++) rmSync(filler(index));
      await alerting.clears('SluiceDiskFull');
      await stop(run);
    });
  });

  describePrivateKafka('without a broker', (broker) => {
    it('SluiceNoCommit', LONG, async () => {
      const { bootstrap } = broker();
      const events = 60_000;
      const topic = await filledTopic(bootstrap, 'nobroker', 4, orderEvents({ count: events }));
      const port = await freePort();
      const env = runEnv(bootstrap, topic, await temporaryDataDir(), {
        ...{ BATCH_ROWS: '500', COMMIT_ROWS: '1000', WORKERS: '1', METRICS_PORT: `${port}` },
        KAFKA_CONFIG_QUEUED_MIN_MESSAGES: '1000',
        KAFKA_CONFIG_QUEUED_MAX_MESSAGES_KBYTES: '256',
      });
      const run = await startRun(env);
      await committedSome(env.DATA_DIR, events);
      await broker().kill();
      const alerting = await Alerting.start(port, SLOW);
      await alerting.fires('SluiceNoCommit');
      await broker().restart();
      await alerting.clears('SluiceNoCommit');
      await stop(run);
    });

    it('SluiceCaptureTokenAge', LONG, async () => {
      await broker().restart();
      const server = await startReplicaSet({ showsOplog: true });
      onTestFinished(() => server.kill());
      const client = await new MongoClient(server.uri).connect();
      onTestFinished(() => client.close());
      const port = await freePort();
      const { env, topic } = await captureEnv(broker().bootstrap, server.uri, 'aging', {
        METRICS_PORT: `${port}`,
        TOKEN_INTERVAL_MS: '200',
      });
      const orders = client.db(topic).collection<Order>('orders');
      again(() => orders.insertOne({} as Order), 100);
      const capture = await startCapture(env);
      const alerting = await Alerting.start(port, SLOW);
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      expect(promtool(['check', 'metrics'], text)).toEqual({ code: 0, text: '' });
      expect(await alerting.firing()).toEqual([]);
      await broker().kill();
      await alerting.fires('SluiceCaptureTokenAge');
      await broker().restart();
      await alerting.clears('SluiceCaptureTokenAge');
      await stopCapture(capture);
    });
  });
});
