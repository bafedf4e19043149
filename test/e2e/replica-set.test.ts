/** What only a real replica set has: transactions, documents before a change, changes of more than 16 MB. */
import { type Db, MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeKafka } from '../support/kafka/shared.js';
import { capturedIs, captureEnv, LONG_MS, messagesOf, startCapture, stopCapture } from './capturing.js';
import type { Order } from './mongo-orders.js';

const LONG = { timeout: LONG_MS };
const URI = process.env.TEST_MONGODB_URI;
if (URI === undefined) console.warn('Tests of a real replica set are skipped: TEST_MONGODB_URI is not set');

describeKafka('capture from a real replica set', (bootstrap) => {
  let client: MongoClient;

  beforeAll(async () => {
    if (URI !== undefined) client = await new MongoClient(URI).connect();
  });
  afterAll(() => client?.close());

  async function setUp(name: string, more: Record<string, string> = {}) {
    const { env, topic } = await captureEnv(bootstrap(), `${URI}`, name, more);
    return { env, topic, orders: await preImages(client.db(topic)) };
  }

  const preImages = (db: Db) =>
    db.createCollection<Order>('orders', { changeStreamPreAndPostImages: { enabled: true } });

  it.skipIf(URI === undefined)('reads the order id of a deleted document from before the change', LONG, async () => {
    const { env, topic, orders } = await setUp('pre-images', { ORDER_ID_PATH: 'number' });
    const capture = await startCapture(env);
    await orders.insertOne({ _id: 'a', number: 'n-1' });
    await orders.deleteOne({ _id: 'a' });
    await orders.insertOne({ _id: 'b', number: 'n-2' });
    await capturedIs(bootstrap(), topic, 'n-2');
    await stopCapture(capture);
    const messages = (await messagesOf(bootstrap(), topic)).filter(({ key }) => key === 'n-1');
    expect(messages.map(({ value }) => value.operation)).toEqual(['insert', 'delete']);
  });

  it.skipIf(URI === undefined)('has each change of a transaction, and none of one that was aborted', LONG, async () => {
    const { env, topic, orders } = await setUp('transactions');
    const capture = await startCapture(env);
    const ids = Array.from({ length: 50 }, (_, n) => `o-${n}`);
    await client.withSession(async (session) => {
      session.startTransaction();
      await orders.insertOne({ _id: 'aborted' }, { session });
      await session.abortTransaction();
      await session.withTransaction(async () => {
        await orders.insertMany(
          ids.map((_id) => ({ _id, status: 'created' })),
          { session },
        );
        await orders.updateMany({}, { $set: { status: 'paid' } }, { session });
        await orders.deleteOne({ _id: ids[0] }, { session });
      });
    });
    await orders.insertOne({ _id: 'last' });
    await capturedIs(bootstrap(), topic, 'last');
    await stopCapture(capture);
    const messages = (await messagesOf(bootstrap(), topic)).filter(({ key }) => !/^snapshot:|^last$/.test(key));
    expect(new Set(messages.map(({ value }) => value.change_id)).size).toBe(messages.length);
    const operationsOf = (id: string) => messages.filter(({ key }) => key === id).map(({ value }) => value.operation);
    expect(new Set(messages.map(({ key }) => key))).toEqual(new Set(ids));
    // An update is looked up when it is read: that of the deleted document finds none.
    expect(operationsOf(ids[0])).toEqual(['insert', 'vanished', 'delete']);
    for (const id of ids.slice(1)) expect(operationsOf(id)).toEqual(['insert', 'update']);
  });

  it.skipIf(URI === undefined)('goes on behind a change of more than 16 MB', LONG, async () => {
    const limits = { ORDER_ID_PATH: 'number', FULL_DOCUMENT: 'required' };
    const { env, topic, orders } = await setUp('large', limits);
    const first = await startCapture(env);
    await orders.insertOne({ _id: 'large', number: 'n-large', note: 'a'.repeat(9 << 20) });
    await orders.updateOne({ _id: 'large' }, { $set: { note: 'b'.repeat(9 << 20) } });
    await capturedIs(bootstrap(), `${topic}.oversize`, 'n-large');
    await orders.insertOne({ _id: 'small', number: 'n-small' });
    await capturedIs(bootstrap(), topic, 'n-small');
    await stopCapture(first);
    const second = await startCapture(env);
    await orders.insertOne({ _id: 'after', number: 'n-after' });
    await capturedIs(bootstrap(), topic, 'n-after');
    await stopCapture(second);
    const oversize = (await messagesOf(bootstrap(), `${topic}.oversize`)).map(({ value }) => value.operation);
    expect(oversize).toEqual(['insert', 'update']);
    const messages = (await messagesOf(bootstrap(), topic)).filter(({ key }) => !key.startsWith('snapshot:'));
    expect(messages.map(({ key }) => key).sort()).toEqual(['n-after', 'n-small']);
  });
});
