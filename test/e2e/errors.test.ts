/** Every error of the closed list is provoked, and printed as docs/errors.md shows it. */
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { expect, it, onTestFinished, vi } from 'vitest';
import { ERROR_CODES } from '../../src/core/error-codes.js';
import type { ErrorCode } from '../../src/core/errors.js';
import { specJson } from '../../src/schema/spec.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { framed } from '../support/avro.js';
import { openSink, temporaryDirectory } from '../support/batches.js';
import { type CliResult, runCli, runShell, temporaryDataDir } from '../support/cli.js';
import { orderEvents } from '../support/events.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { startReplicaSet } from '../support/mongo/server.js';
import { createTopic, deleteRecordsBefore, deleteTopic, produce, type TestMessage } from '../support/produce.js';
import { FakeRegistry } from '../support/registry.js';
import { LONG_MS, sharedReplicaSet, startCapture, stopCapture } from './capturing.js';
import { filledTopic, runEnv, runUntilEnd, startRun } from './support.js';

const IMPORT_TRAPS = `--import=${new URL('../support/trapping-kernel.mjs', import.meta.url)}`;
const PRETTY = { LOG_FORMAT: 'pretty' };

describeKafka('the program prints', (bootstrap) => {
  const { client, setUp } = sharedReplicaSet(bootstrap);
  const orders = (count: number, seed = 1) => [...orderEvents({ count, seed, shares: {} })];
  const text = (note: string) => ({
    key: note,
    value: JSON.stringify({ change_id: note, order_id: note, items: note }),
  });

  /** A topic, and the environment of a run on it. */
  async function topicOf(messages: Iterable<TestMessage>, partitions = 1) {
    const topic = await filledTopic(bootstrap(), 'orders', partitions, messages);
    return { topic, env: { ...runEnv(bootstrap(), topic, await temporaryDataDir()), ...PRETTY } };
  }

  /** The same, and all of it is consumed. */
  async function consumed(partitions = 1) {
    const made = await topicOf(orders(100), partitions);
    await runUntilEnd(made.env);
    return made;
  }

  const run = (env: Record<string, string>) => runCli(['run', '--until-end'], { env });
  const capture = (env: Record<string, string>) => runCli(['capture'], { env: { ...env, ...PRETTY } });

  const PROVOKED: Record<ErrorCode, () => Promise<CliResult>> = {
    SLUICE_CONFIG: () => runCli(['run'], { env: { WORKERS: 'x', KAFKA_TOPIC: 'not a topic', ...PRETTY } }),

    SLUICE_KAFKA_UNREACHABLE: async () =>
      run({ ...runEnv('127.0.0.1:1', 'orders', await temporaryDataDir()), ...PRETTY }),

    SLUICE_KAFKA: async () => {
      const { env, topic, orders } = await setUp('orders', PRETTY);
      await deleteTopic(bootstrap(), topic);
      await vi.waitFor(() => createTopic(bootstrap(), topic, 1, { 'max.message.bytes': '10000' }), 30_000);
      const running = await startCapture(env);
      await orders.insertOne({ _id: 'large', note: 'x'.repeat(20_000) });
      return running.ended;
    },

    SLUICE_UNKNOWN_TOPIC: async () =>
      run({ ...runEnv(bootstrap(), uniqueTopic('orders'), await temporaryDataDir()), ...PRETTY }),

    SLUICE_TOPIC_CHANGED: async () => {
      const { topic, env } = await consumed();
      await deleteTopic(bootstrap(), topic);
      await vi.waitFor(() => createTopic(bootstrap(), topic, 1), { timeout: 30_000, interval: 100 });
      return run(env);
    },

    SLUICE_OFFSET_OUT_OF_RANGE: async () => {
      const { topic, env } = await consumed();
      await produce(bootstrap(), topic, orders(100, 2));
      await deleteRecordsBefore(bootstrap(), topic, 0, 150);
      return run(env);
    },

    SLUICE_PARTIAL_ASSIGNMENT: async () => {
      const { env } = await topicOf([], 2);
      await startRun({ ...env, LOG_FORMAT: 'json' });
      return run({ ...env, DATA_DIR: await temporaryDataDir() });
    },

    SLUICE_FENCED: async () => {
      const { env, orders } = await setUp('orders', PRETTY);
      const first = await startCapture(env);
      const second = await startCapture(env);
      await orders.insertOne({ _id: 'a' });
      const result = await first.ended;
      await stopCapture(second);
      return result;
    },

    SLUICE_LOCKED: async () => {
      const { env } = await topicOf([]);
      await startRun({ ...env, LOG_FORMAT: 'json' });
      return run(env);
    },

    SLUICE_DATA_DIR: () => run({ ...runEnv(bootstrap(), 'orders', '/proc/sluice'), ...PRETTY }),

    SLUICE_UNEXPLAINED_FILES: async () => {
      const { env } = await consumed();
      renameSync(join(env.DATA_DIR, 'analytics.db'), join(env.DATA_DIR, 'elsewhere'));
      return run(env);
    },

    SLUICE_SPEC_CHANGED: async () => {
      const { env } = await consumed();
      const spec = join(env.DATA_DIR, 'spec.json');
      writeFileSync(spec, specJson(ORDERS_SPEC).replace('"status"],"kind":"text"', '"status"],"kind":"int64"'));
      return run({ ...env, TABLE_SPEC: spec });
    },

    SLUICE_SINK: async () => {
      const { env } = await consumed();
      const files = readdirSync(env.DATA_DIR, { recursive: true, encoding: 'utf8' });
      rmSync(join(env.DATA_DIR, files.find((name) => name.endsWith('.parquet'))!));
      return run(env);
    },

    SLUICE_LAKE: async () => {
      const DUCKDB_EXTENSION_DIRECTORY = await temporaryDataDir();
      const { env } = await topicOf([]);
      return run({ ...env, SINK: 'ducklake', DUCKDB_EXTENSION_DIRECTORY });
    },

    SLUICE_REGISTRY: async () => {
      const { env } = await topicOf([]);
      const registry = await FakeRegistry.start();
      registry.auth = 'me:secret';
      return run({ ...env, VALUE_FORMAT: 'avro', SCHEMA_REGISTRY_URL: registry.url });
    },

    SLUICE_UNKNOWN_SCHEMA: async () => {
      const { env } = await topicOf([{ value: framed(7, 'x') }]);
      const { url } = await FakeRegistry.start();
      return run({ ...env, VALUE_FORMAT: 'avro', SCHEMA_REGISTRY_URL: url, SCHEMA_REGISTRY_UNKNOWN_WAIT: '0s' });
    },

    SLUICE_QUERY: async () =>
      runCli(['query', 'SELECT count(*) FROM order'], { env: { DATA_DIR: await database(), ...PRETTY } }),

    SLUICE_OUTPUT: async () =>
      runShell('$SLUICE query "FROM orders" > /dev/full', { env: { DATA_DIR: await database(), ...PRETTY } }),

    SLUICE_MONGODB: async () => {
      const { env } = await setUp('orders');
      return capture({ ...env, MONGODB_URI: 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=500' });
    },

    SLUICE_HISTORY_LOST: async () => {
      const own = await startReplicaSet({ historyEvents: 10 });
      onTestFinished(() => own.kill());
      const { env, topic } = await setUp('orders', { MONGODB_URI: own.uri });
      await stopCapture(await startCapture(env));
      const ownClient = new MongoClient(own.uri);
      onTestFinished(() => ownClient.close());
      await ownClient
        .db(topic)
        .collection('orders')
        .insertMany(Array.from({ length: 100 }, () => ({})));
      return capture(env);
    },

    SLUICE_STREAM_ENDED: async () => {
      const { env, topic, orders } = await setUp('orders', PRETTY);
      const running = await startCapture(env);
      await orders.insertOne({ _id: 'a' });
      await client().db(topic).collection('orders').drop();
      return running.ended;
    },

    SLUICE_WORKER: async () =>
      run({ ...(await topicOf([text('out of memory')])).env, NODE_OPTIONS: `${IMPORT_TRAPS} --max-old-space-size=64` }),

    SLUICE_EXPECTATION: async () => {
      const amounts = [1, 2, 3, -4].map((amount) => ({
        key: 'k',
        value: JSON.stringify({ change_id: `c${amount}`, order_id: 'o', amount }),
      }));
      const { env } = await topicOf(amounts);
      const spec = join(env.DATA_DIR, 'spec.json');
      const range = { name: 'amount_range', column: 'amount', range: { min: '0' }, action: 'stop' };
      writeFileSync(spec, JSON.stringify({ ...JSON.parse(specJson(ORDERS_SPEC)), expectations: [range] }));
      return run({ ...env, TABLE_SPEC: spec });
    },

    SLUICE_KERNEL: async () =>
      run({ ...(await topicOf([text('trap:left'), text('trap:right')])).env, NODE_OPTIONS: IMPORT_TRAPS }),
  };

  it.each(Object.keys(ERROR_CODES) as ErrorCode[])('%s', { timeout: LONG_MS }, async (code) => {
    const { code: exitCode, stderr } = await PROVOKED[code]();
    expect(exitCode, stderr).toBeGreaterThan(1);
    const printed = stderr.slice(stderr.lastIndexOf(`${code}: `)).trimEnd();
    expect(anyName(printed)).toBe(anyName(`${code}: ${ERROR_CODES[code].example}`));
  });
});

/** A message without what is another in each run: topics, folders, ids, ports and processes. */
function anyName(message: string): string {
  return message
    .replaceAll(/orders-\d+-\d+/g, 'orders')
    .replaceAll(new RegExp(`${tmpdir()}/sluice-[\\w-]+`, 'g'), '/var/lib/sluice')
    .replaceAll(/127\.0\.0\.1:\d{2,}/g, '127.0.0.1:9092')
    .replaceAll(process.execPath, '/usr/bin/node')
    .replaceAll(/PID \d+/g, 'PID 4711')
    .replace(/id is \S+, not \S+\. /, 'id is X, not Y. ');
}

/** A data directory with tables. */
async function database(): Promise<string> {
  const dataDir = temporaryDirectory();
  await (await openSink(dataDir)).close();
  return dataDir;
}
