/** Documents before a change, changes that come in fragments, and, on a real replica set only, transactions. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Long, MongoClient, ObjectId } from 'mongodb';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runCli } from '../support/cli.js';
import { describeKafka } from '../support/kafka/shared.js';
import { IS_SECANTUS, type ReplicaSet, replicaSet, startReplicaSet } from '../support/mongo/server.js';
import { capturedIs, captureEnv, LONG_MS, messagesOf, startCapture, stopCapture } from './capturing.js';
import { collectionRows, type Order, orderRows } from './mongo-orders.js';
import { runUntilEnd, verifies } from './support.js';

type Settings = Record<string, string>;

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

  describe('of documents whose earlier states expired', () => {
    /** Order a is kept, b deleted, while nothing captures; then their earlier states are lost. */
    async function expired(settings: Settings) {
      const set = await setUp('expired', await startReplicaSet(), settings);
      const first = await startCapture(set.env);
      await set.orders.insertMany(['a', 'b'].map((_id) => ({ _id, number: `n-${_id}`, status: 'created' })));
      await capturedKey(set.topic, settings.ORDER_ID_PATH === undefined ? 'b' : 'n-b');
      await stopCapture(first);
      await set.orders.updateMany({}, { $set: { status: 'paid' } });
      await set.orders.deleteOne({ _id: 'b' });
      await set.client.db('admin').command({ expireImages: 1 });
      return set;
    }

    it.each<[string, Settings]>([
      ['before a change', { ORDER_ID_PATH: 'number' }],
      ['after a change', { FULL_DOCUMENT: 'required' }],
    ] satisfies [string, Settings][])(
      'stops where it needs them %s, and a new snapshot leaves no ghosts',
      LONG,
      async (_, settings) => {
        const { env, orders } = await expired(settings);
        const failed = await runCli(['capture'], { env });
        expect(failed.code).toBe(3);
        expect(failed.stderr).toMatch(/SLUICE_HISTORY_LOST.*no longer kept.*--on-lost-history snapshot/);
        const again = await startCapture(env, ['--on-lost-history', 'snapshot']);
        await again.line(/the snapshot is complete/);
        await stopCapture(again);
        await runUntilEnd(env);
        const rows = await orderRows(env.DATA_DIR);
        const present = await orders.find().toArray();
        expect([...rows.keys()]).toEqual(present.map(({ _id, number }) => (settings.ORDER_ID_PATH ? number : _id)));
        expect([...rows.values()]).toMatchObject([{ status: 'paid' }]);
      },
    );

    it('continues after them if it may leave a gap', LONG, async () => {
      const { env, topic, orders } = await expired({ ORDER_ID_PATH: 'number' });
      const gap = await startCapture(env, ['--on-lost-history', 'gap']);
      await gap.line(/changes between these times are lost/);
      await orders.insertOne({ _id: 'c', number: 'n-c' });
      await capturedKey(topic, 'n-c');
      await stopCapture(gap);
      const operations = (await changesIn(topic)).map(({ key, value }) => `${value.operation} ${key}`);
      expect(operations.sort()).toEqual(['insert n-a', 'insert n-b', 'insert n-c']);
    });

    it('looks them up as they are now if they are not required', LONG, async () => {
      const { env, topic, orders } = await expired({ FULL_DOCUMENT: 'whenAvailable' });
      const capture = await startCapture(env);
      await orders.insertOne({ _id: 'c' });
      await capturedKey(topic, 'c');
      await stopCapture(capture);
      const behind = (await changesIn(topic)).filter(({ value }) => value.operation !== 'insert');
      expect(behind.map(({ key, value }) => [key, value.operation, value.status]).sort()).toEqual([
        ['a', 'update', 'paid'],
        ['b', 'delete', undefined],
        ['b', 'vanished', undefined],
      ]);
    });
  });

  it('has the whole of each kind of `_id` as the key', LONG, async () => {
    const { env, topic, client } = await setUp('kinds', await replicaSet());
    const orders = client.db(topic).collection('orders');
    const capture = await startCapture(env);
    const id = new ObjectId();
    const ids = ['a\0b', 'é😀', '', id, Long.fromString('9007199254740993'), { a: 'x' }, '10', 'last'];
    for (const _id of ids) await orders.insertOne({ _id: _id as ObjectId });
    await capturedKey(topic, 'last');
    await stopCapture(capture);
    const orderIds = ['a\0b', 'é😀', '', id.toHexString(), '9007199254740993', '{"a":"x"}', '10', 'last'];
    const changes = await changesIn(topic);
    expect(changes.map(({ value }) => value.order_id).sort()).toEqual([...orderIds].sort());
    const keys = orderIds.map((orderId) => (orderId === '10' ? '"10"' : orderId));
    expect(changes.map(({ key }) => key).sort()).toEqual([...keys].sort());
  });

  const states = it.skipIf(IS_SECANTUS);
  states.each(['whenAvailable', 'required'])(
    'has each state of a document with FULL_DOCUMENT=%s',
    LONG,
    async (mode) => {
      const { env, topic, orders } = await setUp('states', await replicaSet(), { FULL_DOCUMENT: mode });
      await orders.insertOne({ _id: 'a', n: 0 });
      const first = await startCapture(env);
      await stopCapture(first);
      for (let n = 1; n <= 20; n++) await orders.updateOne({ _id: 'a' }, { $set: { n } });
      await orders.deleteOne({ _id: 'a' });
      await orders.insertOne({ _id: 'b' });
      const second = await startCapture(env);
      await capturedKey(topic, 'b');
      await stopCapture(second);
      const states = (await changesIn(topic))
        .filter(({ key }) => key === 'a')
        .map(({ value }) => value.n ?? value.operation);
      expect(states).toEqual([...Array.from({ length: 21 }, (_, n) => n), 'delete']);
    },
  );

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
    expect(new Set(changes.slice(1).map(({ change_id }) => last(change_id)))).toEqual(new Set(['2B0404']));
  });

  it(
    'continues after a large change that is not large anymore when it is killed there, and read again',
    LONG,
    async () => {
      const server = await startReplicaSet({ version: 7, splitBytes: 20_000 });
      const { env, topic, orders } = await setUp('shrunk', server, { TRANSACTION_EVENTS: '1' });
      const first = await startCapture(env);
      await orders.insertOne({ _id: 'a', status: 'created' });
      await orders.updateOne({ _id: 'a' }, { $set: { note: 'x'.repeat(15_000) } });
      await capturedIs(bootstrap(), topic, 'a', 2);
      first.kill('SIGKILL');
      await first.ended;
      await orders.deleteOne({ _id: 'a' });
      await orders.insertOne({ _id: 'b', status: 'created' });
      const second = await startCapture(env);
      await capturedKey(topic, 'b');
      await stopCapture(second);
      const changes = (await changesIn(topic)).map(({ key, value }) => `${key} ${value.operation}`);
      expect(changes.sort()).toEqual(['a delete', 'a insert', 'a update', 'b insert']);
      await runUntilEnd(env);
      await verifies(env);
      expect(await orderRows(env.DATA_DIR)).toEqual(await collectionRows(orders));
    },
  );

  it.runIf(IS_REAL)('continues after a change of more than 16 MB', LONG, async () => {
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
