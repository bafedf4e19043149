/** Whose changes a topic has, where `sluice capture` resumes, and which documents are one order. */
import { Binary, Double, Long, MaxKey, ObjectId, Timestamp } from 'mongodb';
import { expect, it } from 'vitest';
import { CliProcess, runCli } from '../support/cli.js';
import { describeKafka } from '../support/kafka/shared.js';
import { IS_SECANTUS } from '../support/mongo/server.js';
import { TestProducer } from '../support/produce.js';
import { capturedIs, LONG_MS, messagesOf, sharedReplicaSet, startCapture, stopCapture } from './capturing.js';
import { collectionRows, type Order, orderRows } from './mongo-orders.js';
import { queryFile, refusal, runUntilEnd } from './support.js';

const LONG = { timeout: LONG_MS };
const HEX = '65f0123456789abcdef01234';
const TIME = '2026-01-01T00:00:00.000Z';

describeKafka('capture', (bootstrap) => {
  const { client, setUp } = sharedReplicaSet(bootstrap);

  /** Changes of documents, as operation and key. */
  const changesIn = async (topic: string) =>
    (await messagesOf(bootstrap(), topic))
      .filter(({ key }) => !key.startsWith('snapshot:'))
      .map(({ key, value }) => `${value.operation} ${key}`);

  const LOOK_ALIKES: readonly [string, unknown, unknown][] = [
    ['an integer', 10, '10'],
    ['a long', Long.fromString('9007199254740993'), '9007199254740993'],
    ['a double', new Double(1.5), '1.5'],
    ['a large double', new Double(2 ** 60), Long.fromString('1152921504606847000')],
    ['an ObjectId', new ObjectId(HEX), HEX],
    ['true', true, 'true'],
    ['false', false, 'false'],
    ['no number', new Double(Number.NaN), '{"$numberDouble":"NaN"}'],
    ['a document', { a: 'x' }, '{"a":"x"}'],
    ['a date', new Date(TIME), `{"$date":{"$numberLong":"${Date.parse(TIME)}"}}`],
    ['bytes', new Binary(Buffer.from([1])), '{"$binary":{"base64":"AQ==","subType":"00"}}'],
    ['a timestamp', new Timestamp({ t: 1, i: 2 }), '{"$timestamp":{"t":1,"i":2}}'],
    ['the greatest key', new MaxKey(), '{"$maxKey":1}'],
  ];

  it.skipIf(IS_SECANTUS)(
    'distinguishes documents whose ids look alike: 26, and 25 after one is deleted',
    LONG,
    async () => {
      const { env, topic } = await setUp('alike');
      const orders = client().db(topic).collection<{ _id: unknown; status: string }>('orders');
      const insert = (kind: string, _id: unknown) => orders.insertOne({ _id, status: `${kind} ${typeof _id}` });
      // By the snapshot and by the stream.
      for (const [kind, one] of LOOK_ALIKES) await insert(kind, one);
      const capture = await startCapture(env);
      for (const [kind, , other] of LOOK_ALIKES) await insert(kind, other);
      await insert('last', 'last');
      await capturedIs(bootstrap(), topic, 'last');
      const statusesInView = async () => {
        await runUntilEnd(env);
        return (await queryFile(env.DATA_DIR, 'SELECT status FROM orders')).map(([status]) => status).sort();
      };
      const statuses = async () => (await orders.find().toArray()).map(({ status }) => status).sort();
      await orders.deleteOne({ status: 'last string' });
      await capturedIs(bootstrap(), topic, 'last', 2);
      expect(await statusesInView()).toEqual(await statuses());
      expect(await statuses()).toHaveLength(26);
      const keys = new Set((await changesIn(topic)).map((change) => change.slice(change.indexOf(' '))));
      expect(keys.size).toBe(26 + 1);
      await orders.deleteOne({ status: 'an integer number' });
      await capturedIs(bootstrap(), topic, '10', 2);
      await stopCapture(capture);
      expect(await statusesInView()).toEqual(await statuses());
      expect(await statuses()).toHaveLength(25);
    },
  );

  it('resumes after its last record, also if a transaction of another producer is open before it', LONG, async () => {
    const { env, topic, orders } = await setUp('stable');
    const first = await startCapture(env, ['--snapshot', 'never']);
    await orders.insertOne({ _id: 'a' });
    await capturedIs(bootstrap(), topic, 'a');
    const other = await TestProducer.connect(bootstrap(), { transactionalId: `${topic}-other` });
    await other.begin();
    await other.send(`${topic}.tokens`, [{ key: 'another', value: '{}' }]);
    await orders.insertOne({ _id: 'b' });
    await capturedIs(bootstrap(), topic, 'b');
    await stopCapture(first);
    const second = await CliProcess.start(['capture', '--snapshot', 'never'], { env, timeoutMs: LONG_MS });
    await orders.insertOne({ _id: 'c' });
    await second.line(/another producer has an open transaction here/);
    await other.abort();
    await other.close();
    await capturedIs(bootstrap(), topic, 'c');
    await stopCapture(second);
    expect((await changesIn(topic)).sort()).toEqual(['insert a', 'insert b', 'insert c']);
  });

  it('ends at a signal while it waits for a transaction of another producer', LONG, async () => {
    const { env, topic } = await setUp('waiting');
    await stopCapture(await startCapture(env));
    const other = await TestProducer.connect(bootstrap(), { transactionalId: `${topic}-other` });
    await other.begin();
    await other.send(`${topic}.tokens`, [{ key: 'another', value: '{}' }]);
    const waiting = await CliProcess.start(['capture'], { env, timeoutMs: LONG_MS });
    await waiting.line(/another producer has an open transaction here/);
    await stopCapture(waiting);
    // It still is open: a broker that had ended it would refuse this.
    await other.commit();
    await other.close();
  });

  it.each([
    ['initial', ['snapshot a', 'insert b']],
    ['never', ['insert b']],
  ])('has the newest document before it once (--snapshot %s)', LONG, async (snapshot, expected) => {
    const { env, topic, orders } = await setUp('newest');
    await orders.insertOne({ _id: 'a' });
    const capture = await startCapture(env, ['--snapshot', snapshot]);
    await orders.insertOne({ _id: 'b' });
    await capturedIs(bootstrap(), topic, 'b');
    await stopCapture(capture);
    expect((await changesIn(topic)).sort()).toEqual(expected.sort());
  });

  it(
    'refuses a topic of another collection, leaves its capture alone, and takes its place if told to',
    LONG,
    async () => {
      const { env, topic, orders } = await setUp('sources');
      const archive = client().db(topic).collection<Order>('archive');
      const archiveEnv = { ...env, MONGODB_COLLECTION: 'archive' };
      await orders.insertMany(['a', 'b', 'c'].map((_id) => ({ _id, status: 'of orders' })));
      await archive.insertMany(['b', 'd'].map((_id) => ({ _id, status: 'of the archive' })));
      const first = await startCapture(env);
      const refused = await refusal(['capture'], archiveEnv);
      expect(refused.code).toBe(2);
      expect(refused.error).toMatch(/SLUICE_CONFIG.*has the changes of \S+\.orders,.*TOPIC.*--replaces \S+\.orders/);
      await orders.insertOne({ _id: 'e', status: 'of orders' });
      await capturedIs(bootstrap(), topic, 'e');
      const second = await startCapture(archiveEnv, ['--replaces', `${topic}.orders`]);
      await orders.insertOne({ _id: 'f', status: 'of orders' });
      const { code, stderr } = await first.ended;
      expect(code).toBe(3);
      expect(stderr).toMatch(/SLUICE_FENCED/);
      await archive.insertOne({ _id: 'g', status: 'of the archive' });
      await capturedIs(bootstrap(), topic, 'g');
      await stopCapture(second);
      expect((await runCli(['capture'], { env })).stderr).toMatch(`has the changes of ${topic}.archive`);
      await runUntilEnd(env);
      expect(await orderRows(env.DATA_DIR)).toEqual(await collectionRows(archive));
      // The option may stay.
      const third = await startCapture(archiveEnv, ['--replaces', `${topic}.orders`]);
      await stopCapture(third);
      expect((await changesIn(topic)).filter((change) => change === 'snapshot d')).toHaveLength(1);
    },
  );

  it('lets one of two captures work that start at the same moment on a new topic', LONG, async () => {
    const { env, topic } = await setUp('race');
    const names = ['orders', 'archive'];
    for (const name of names) await client().db(topic).collection<Order>(name).insertOne({ _id: name });
    const both = await Promise.allSettled(names.map((name) => startCapture({ ...env, MONGODB_COLLECTION: name })));
    const working = both.flatMap((start) => (start.status === 'fulfilled' ? start.value : []));
    expect(working).toHaveLength(1);
    await stopCapture(working[0]);
    expect(await changesIn(topic)).toEqual([`snapshot ${names[both[0].status === 'fulfilled' ? 0 : 1]}`]);
  });
});
