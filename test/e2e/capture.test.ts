/** `sluice capture` and what `sluice run` makes of it: a real broker, a replica set on MongoDB's wire protocol. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient, ObjectId } from 'mongodb';
import { expect, it, onTestFinished, vi } from 'vitest';
import { CliProcess, runCli } from '../support/cli.js';
import { describeKafka } from '../support/kafka/shared.js';
import { startReplicaSet } from '../support/mongo/server.js';
import { Random } from '../support/random.js';
import { capturedIs, LONG_MS, messagesOf, sharedReplicaSet, startCapture, stopCapture } from './capturing.js';
import { collectionRows, type Order, orderRows, write } from './mongo-orders.js';
import { runUntilEnd, verifies } from './support.js';

const LONG = { timeout: LONG_MS };

const NEVER = ['--snapshot', 'never'];
/** Of all four writers; fewer for a server that is slow. */
const WRITES = Number(process.env.TEST_MONGODB_WRITES ?? 50_000);

function append(lists: Map<string, string[]>, key: string, item: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

/** The resume token in a change id: all of it, or what follows the cluster time that a token does not tell. */
function tokenOf(changeId: string): string {
  return /^82[0-9A-F]{16}([0-9a-f]{2}0{6}.*)/.exec(changeId)?.[1] ?? changeId;
}

describeKafka('capture', (bootstrap) => {
  const { setUp } = sharedReplicaSet(bootstrap);

  const messagesIn = (topic: string) => messagesOf(bootstrap(), topic);
  const capturedKey = (topic: string, key: string) => capturedIs(bootstrap(), topic, key);

  /** Waits until the topic has so many messages of these operations. */
  async function captured(topic: string, count: number): Promise<void> {
    const documents = async () => (await messagesIn(topic)).filter(({ value }) => !/^snapshot_/.test(value.operation));
    await vi.waitFor(async () => expect((await documents()).length).toBeGreaterThanOrEqual(count), {
      timeout: 120_000,
      interval: 300,
    });
  }

  it(
    'has each change exactly once and in order, however often it is killed; DuckDB ends as the collection',
    LONG,
    async () => {
      const { env, topic, orders } = await setUp('mixed');
      const truth = orders.watch();
      await truth.tryNext();
      const started = await startCapture(env, NEVER);
      await orders.insertOne({ _id: 'first' });
      await captured(topic, 1);
      const writers = Promise.all(
        Array.from({ length: 4 }, async (_, writer) => {
          const random = new Random(writer + 1);
          for (let n = 0; n < WRITES / 4; n++) await write(orders, random);
        }),
      );
      const random = new Random(7);
      let capture = started;
      for (let kills = 0; kills < 10; kills++) {
        await sleep(random.below(1500));
        capture.kill('SIGKILL');
        await capture.ended;
        capture = await startCapture(env, NEVER);
      }
      await writers;
      /** The ids of all changes, in order for each document. */
      const changes = new Map<string, string[]>();
      let count = 0;
      for (let event = await truth.tryNext(); event !== null; event = await truth.tryNext(), count++) {
        const { _id, documentKey } = event as { _id: { _data: string }; documentKey: { _id: string } };
        append(changes, documentKey._id, _id._data);
      }
      await truth.close();
      await captured(topic, count);
      await stopCapture(capture);
      const written = new Map<string, string[]>();
      for (const { key, value } of await messagesIn(topic)) append(written, key, tokenOf(value.change_id));
      expect(written).toEqual(changes);
      await runUntilEnd(env);
      await verifies(env);
      expect(await orderRows(env.DATA_DIR)).toEqual(await collectionRows(orders));
    },
  );

  it('takes a snapshot first, which resumes after it is killed, while writes continue', LONG, async () => {
    const { env, topic, orders } = await setUp('snapshot', { TRANSACTION_EVENTS: '50' });
    const random = new Random(11);
    const documents = Array.from({ length: 6000 }, (_, n) => ({
      _id: `o-${n}`,
      status: 'created',
      customer: { id: 'c' },
    }));
    await orders.insertMany(documents);
    let isWriting = true;
    const writer = (async () => {
      while (isWriting) {
        const _id = `o-${random.below(6000)}`;
        if (random.next() < 0.3) await orders.deleteOne({ _id });
        else await orders.updateOne({ _id }, { $set: { status: 'paid' } }, { upsert: true });
      }
    })();
    for (let kills = 0; kills < 3; kills++) {
      const capture = await CliProcess.start(['capture'], { env, timeoutMs: LONG_MS });
      await capture.line(/taking a snapshot/);
      await sleep(100 + random.below(200));
      capture.kill('SIGKILL');
      await capture.ended;
    }
    const capture = await startCapture(env);
    isWriting = false;
    await writer;
    await orders.insertOne({ _id: 'last' });
    await capturedKey(topic, 'last');
    await stopCapture(capture);
    const messages = await messagesIn(topic);
    expect(new Set(messages.map(({ value }) => value.change_id)).size).toBe(messages.length);
    await runUntilEnd(env);
    await verifies(env);
    expect(await orderRows(env.DATA_DIR)).toEqual(await collectionRows(orders));
  });

  it('continues after lost history as it is told to; a new snapshot leaves no ghosts', LONG, async () => {
    const own = await startReplicaSet({ historyEvents: 50 });
    onTestFinished(() => own.kill());
    const { env, topic } = await setUp('lost', { MONGODB_URI: own.uri });
    const ownClient = new MongoClient(own.uri);
    onTestFinished(() => ownClient.close());
    const orders = ownClient.db(topic).collection<Order>('orders');
    const loseHistory = async (status: string) => {
      await orders.insertMany(Array.from({ length: 100 }, () => ({ _id: new ObjectId().toHexString(), status })));
    };
    await orders.insertOne({ _id: 'ghost', status: 'created' });
    const first = await startCapture(env);
    await orders.insertOne({ _id: 'kept', status: 'created' });
    await capturedKey(topic, 'kept');
    await stopCapture(first);
    await orders.deleteOne({ _id: 'ghost' });
    await loseHistory('lost');
    const failed = await runCli(['capture'], { env });
    expect(failed.code).toBe(3);
    expect(failed.stderr).toMatch(/SLUICE_HISTORY_LOST.*--on-lost-history snapshot/);
    const again = await startCapture(env, ['--on-lost-history', 'snapshot']);
    await again.line(/the snapshot is complete/);
    await stopCapture(again);
    await runUntilEnd(env);
    expect(await orderRows(env.DATA_DIR)).toEqual(await collectionRows(orders));
    await loseHistory('left out');
    const gap = await startCapture(env, ['--on-lost-history', 'gap']);
    await gap.line(/changes between these times are lost/);
    await orders.insertOne({ _id: 'after the gap' });
    await capturedKey(topic, 'after the gap');
    await stopCapture(gap);
    const messages = await messagesIn(topic);
    const ordersOf = (status: string) =>
      new Set(messages.filter(({ value }) => value.status === status).map(({ key }) => key));
    expect(ordersOf('lost').size).toBe(100);
    // The oplog is not to be read: the stream resumes right after the newest change.
    expect(ordersOf('left out').size).toBe(0);
  });

  it('fences a capture when another one of the same collection and topic starts', LONG, async () => {
    const { env, topic, orders } = await setUp('fenced');
    const first = await startCapture(env);
    const second = await startCapture(env);
    await orders.insertOne({ _id: 'a' });
    const { code, stderr } = await first.ended;
    expect(code).toBe(3);
    expect(stderr).toMatch(/SLUICE_FENCED/);
    await capturedKey(topic, 'a');
    await stopCapture(second);
    expect((await messagesIn(topic)).filter(({ key }) => key === 'a')).toHaveLength(1);
  });

  it('refuses what it cannot reach, and what cannot be', LONG, async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    const wrong: [Record<string, string>, number, RegExp][] = [
      // It takes connections and never answers.
      [{ MONGODB_URI: `mongodb://127.0.0.1:${port}` }, 3, /SLUICE_MONGODB/],
      [{ MONGODB_URI: 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=500' }, 3, /SLUICE_MONGODB/],
      [{ MONGODB_URI: 'localhost' }, 2, /MONGODB_URI=.*localhost.*: must be/],
      [{ KAFKA_TOPIC: 'absent' }, 3, /SLUICE_UNKNOWN_TOPIC/],
      [{ KAFKA_BROKERS: '127.0.0.1:1' }, 3, /SLUICE_KAFKA_UNREACHABLE/],
      // Deletes do not have it, and the documents are not kept.
      [{ ORDER_ID_PATH: 'number' }, 2, /ORDER_ID_PATH=number: .*collMod/],
      [{ FULL_DOCUMENT: 'required' }, 2, /FULL_DOCUMENT=required: .*collMod/],
    ];
    // At the same time: what is not reached is given up after ten seconds.
    const refused = await Promise.all(
      wrong.map(async ([more]) => runCli(['capture'], { env: { ...(await setUp('refused')).env, ...more } })),
    );
    for (const [n, { code, stderr }] of refused.entries()) {
      expect(code, stderr).toBe(wrong[n][1]);
      expect(stderr).toMatch(wrong[n][2]);
      expect(stderr).not.toMatch(/^\s+at /m);
    }
  });
});
