/** What tests of `sluice capture` share: its environment, its start and end, and what it wrote. */
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import { CliProcess, temporaryDataDir } from '../support/cli.js';
import { uniqueTopic } from '../support/kafka/shared.js';
import { type ReplicaSet, replicaSet } from '../support/mongo/server.js';
import { consumeAll, createTopic } from '../support/produce.js';
import type { Order } from './mongo-orders.js';
import { runEnv } from './support.js';

export const LONG_MS = 300_000;

/** A topic and a database of the same name, and the environment of both commands. */
export async function captureEnv(bootstrap: string, uri: string, name: string, more: Record<string, string> = {}) {
  const topic = uniqueTopic(name);
  await createTopic(bootstrap, topic, 4);
  const env = runEnv(bootstrap, topic, await temporaryDataDir(), {
    MONGODB_URI: uri,
    MONGODB_DATABASE: topic,
    TRANSACTION_INTERVAL_MS: '50',
    ...more,
  });
  return { env, topic };
}

/** A replica set for the tests of a file, its client, and a collection of orders with a topic for each test. */
export function sharedReplicaSet(bootstrap: () => string) {
  let server: ReplicaSet;
  let client: MongoClient;

  beforeAll(async () => {
    server = await replicaSet();
    client = await new MongoClient(server.uri).connect();
  }, LONG_MS);
  afterAll(async () => {
    await client.close();
    await server.kill();
  });

  return {
    client: () => client,
    async setUp(name: string, more: Record<string, string> = {}) {
      const { env, topic } = await captureEnv(bootstrap(), server.uri, name, more);
      return { env, topic, orders: client.db(topic).collection<Order>('orders') };
    },
  };
}

/** Starts a capture and waits until it follows the stream. */
export async function startCapture(env: Record<string, string>, args: readonly string[] = []): Promise<CliProcess> {
  const capture = await CliProcess.start(['capture', ...args], { env, timeoutMs: LONG_MS });
  await capture.line(/following the change stream/);
  return capture;
}

/** Ends a capture as an operator does. */
export async function stopCapture(capture: CliProcess): Promise<void> {
  capture.kill('SIGTERM');
  const { code, stderr } = await capture.ended;
  expect(code, stderr).toBe(0);
}

/** All committed messages of a topic, in order per partition. */
export async function messagesOf(bootstrap: string, topic: string) {
  return (await consumeAll(bootstrap, topic)).map(({ partition, offset, key, value }) => ({
    partition,
    offset,
    key: key!.toString(),
    value: JSON.parse(value!.toString()),
  }));
}

/** Waits until the topic has a message with this key, or so many of them. */
export async function capturedIs(bootstrap: string, topic: string, key: string, times = 1): Promise<void> {
  const found = async () => (await messagesOf(bootstrap, topic)).filter((message) => message.key === key).length;
  await vi.waitFor(async () => expect(await found()).toBeGreaterThanOrEqual(times), {
    timeout: 120_000,
    interval: 100,
  });
}
