/** Documents before a change, changes that come in fragments, and, on a real replica set only, transactions. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { expect, it, onTestFinished } from 'vitest';
import { describeKafka } from '../support/kafka/shared.js';
import { type ReplicaSet, replicaSet, startReplicaSet } from '../support/mongo/server.js';
import { capturedIs, captureEnv, LONG_MS, messagesOf, startCapture, stopCapture } from './capturing.js';
import type { Order } from './mongo-orders.js';

const LONG = { timeout: LONG_MS };
const IS_REAL = process.env.TEST_MONGODB_URI !== undefined;
if (!IS_REAL) console.warn('Tests that need a real replica set are skipped: TEST_MONGODB_URI is not set');

describeKafka('capture', (bootstrap) => {
  /** A collection that keeps documents as they were before and after a change. */
  async function setUp(name: string, server: ReplicaSet, more: Record<string, string> = {}) {
    onTestFinished(() => server.kill());
    const client = await new MongoClient(server.uri).connect();
    onTestFinished(() => client.close());
    const { env, topic } = await captureEnv(bootstrap(), server.uri, name, more);
    const images = { changeStreamPreAndPostImages: { enabled: true } };
    return { env, topic, client, orders: await client.db(topic).createCollection<Order>('orders', images) };
  }

  const capturedKey = (topic: string, key: string) => capturedIs(bootstrap(), topic, key);
  const changesIn = async (topic: string) =>
    (await messagesOf(bootstrap(), topic)).filter(({ key }) => !key.startsWith('snapshot:'));

  it('reads the order id of a deleted document from before the change', LONG, async () => {
    const { env, topic, orders } = await setUp('before', await replicaSet(), { ORDER_ID_PATH: 'number' });
    const capture = await startCapture(env);
    await orders.insertOne({ _id: 'a', number: 'n-1' });
    await orders.updateOne({ _id: 'a' }, { $set: { status: 'paid' } });
    await orders.deleteOne({ _id: 'a' });
    await orders.insertOne({ _id: 'b', number: 'n-2' });
    await capturedKey(topic, 'n-2');
    await stopCapture(capture);
    const messages = (await changesIn(topic)).filter(({ key }) => key === 'n-1');
    // An update is looked up when it is read, and may find nothing.
    expect(messages.map(({ value }) => value.operation.replace('vanished', 'update'))).toEqual([
      'insert',
      'update',
      'delete',
    ]);
  });

  it('has each large change exactly once, also when it is killed between fragments', LONG, async () => {
    const server = await startReplicaSet({ version: 7, splitBytes: 20_000 });
    const settings = { ORDER_ID_PATH: 'number', FULL_DOCUMENT: 'required', TRANSACTION_EVENTS: '5' };
    const { env, topic, orders } = await setUp('fragments', server, settings);
    const note = (n: number) => `${n % 10}`.repeat(15_000);
    let capture = await startCapture(env);
    await orders.insertOne({ _id: 'a', number: 'n-1', n: 0, note: note(0) });
    for (let n = 1; n <= 200; n++) {
      await orders.updateOne({ _id: 'a' }, { $set: { n, note: note(n) } });
      if (n % 50 !== 0) continue;
      await sleep(n);
      capture.kill('SIGKILL');
      await capture.ended;
      capture = await startCapture(env);
    }
    await orders.insertOne({ _id: 'b', number: 'n-2' });
    await capturedKey(topic, 'n-2');
    await stopCapture(capture);
    const changes = (await changesIn(topic)).filter(({ key }) => key === 'n-1').map(({ value }) => value);
    expect(changes.map(({ n }) => n)).toEqual(Array.from({ length: 201 }, (_, n) => n));
    for (const change of changes) expect(change.note).toBe(note(change.n));
    const last = (id: string) => id.slice(20);
    expect(new Set(changes.slice(1).map(({ change_id }) => last(change_id)))).toEqual(new Set(['03']));
  });

  it.runIf(IS_REAL)('goes on behind a change of more than 16 MB', LONG, async () => {
    const settings = { ORDER_ID_PATH: 'number', FULL_DOCUMENT: 'required' };
    const { env, topic, orders } = await setUp('large', await replicaSet(), settings);
    const first = await startCapture(env);
    await orders.insertOne({ _id: 'large', number: 'n-large', note: 'a'.repeat(9 << 20) });
    await orders.updateOne({ _id: 'large' }, { $set: { note: 'b'.repeat(9 << 20) } });
    await orders.insertOne({ _id: 'small', number: 'n-small' });
    await capturedKey(topic, 'n-small');
    await stopCapture(first);
    const oversize = (await messagesOf(bootstrap(), `${topic}.oversize`)).map(({ value }) => value.operation);
    expect(oversize).toEqual(['insert', 'update']);
    expect((await changesIn(topic)).map(({ key }) => key)).toEqual(['n-small']);
  });

  it.runIf(IS_REAL)('has each change of a transaction, and none of one that was aborted', LONG, async () => {
    const { env, topic, client, orders } = await setUp('transactions', await replicaSet());
    const capture = await startCapture(env);
    const ids = Array.from({ length: 50 }, (_, n) => `o-${n}`);
    await client.withSession(async (session) => {
      session.startTransaction();
      await orders.insertOne({ _id: 'aborted' }, { session });
      await session.abortTransaction();
      await session.withTransaction(async () => {
        const documents = ids.map((_id) => ({ _id, status: 'created' }));
        await orders.insertMany(documents, { session });
        await orders.updateMany({}, { $set: { status: 'paid' } }, { session });
        await orders.deleteOne({ _id: ids[0] }, { session });
      });
    });
    await orders.insertOne({ _id: 'last' });
    await capturedKey(topic, 'last');
    await stopCapture(capture);
    const changes = (await changesIn(topic)).filter(({ key }) => key !== 'last');
    expect(new Set(changes.map(({ value }) => value.change_id)).size).toBe(changes.length);
    expect(new Set(changes.map(({ key }) => key))).toEqual(new Set(ids));
    const operationsOf = (id: string) => changes.filter(({ key }) => key === id).map(({ value }) => value.operation);
    // The update of the document that is gone finds none to look up.
    expect(operationsOf(ids[0])).toEqual(['insert', 'vanished', 'delete']);
    for (const id of ids.slice(1)) expect(operationsOf(id)).toEqual(['insert', 'update']);
  });
});
