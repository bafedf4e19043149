/** `sluice capture` of a server with users, TLS and transactions, whose resume tokens do not sort. */
import { type Collection, MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { runCli } from '../support/cli.js';
import { describeKafka } from '../support/kafka/shared.js';
import { type Secantus, startSecantus } from '../support/mongo/secantus.js';
import { INSTALL_TIMEOUT_MS, whyNoPython } from '../support/python.js';
import { capturedIs, captureEnv, LONG_MS, messagesOf, startCapture, stopCapture } from './capturing.js';
import { collectionRows, type Order, orderRows } from './mongo-orders.js';
import { runUntilEnd, verifies } from './support.js';

const LONG = { timeout: LONG_MS };
const NEVER = ['--snapshot', 'never'];

describeKafka('capture', (bootstrap) => {
  describe.skipIf(whyNoPython() !== undefined)('of a server with users and TLS', () => {
    let server: Secantus;
    beforeAll(async () => {
      server = await startSecantus({ password: true, tls: true });
    }, INSTALL_TIMEOUT_MS);
    afterAll(() => server?.kill());

    async function setUp(name: string) {
      const client = await new MongoClient(server.uri).connect();
      onTestFinished(() => client.close());
      const { env, topic } = await captureEnv(bootstrap(), server.uri, name, { TRANSACTION_EVENTS: '20' });
      return { env, topic, client, orders: client.db(topic).collection<Order>('orders') };
    }

    /** A transaction that inserts, updates and deletes; another one that is aborted. */
    async function transact(client: MongoClient, orders: Collection<Order>, n: number): Promise<void> {
      const ids = Array.from({ length: 4 }, (_, i) => `o-${n}-${i}`);
      await client.withSession(async (session) => {
        await session.withTransaction(async () => {
          await orders.insertMany(
            ids.map((_id) => ({ _id, status: 'created' })),
            { session },
          );
          await orders.updateMany({ _id: { $in: ids } }, { $set: { status: 'paid' } }, { session });
          await orders.deleteOne({ _id: ids[0] }, { session });
        });
        session.startTransaction();
        await orders.insertOne({ _id: `aborted-${n}` }, { session });
        await session.abortTransaction();
      });
    }

    it('has each change of a transaction once, whatever fails or is killed on the way', LONG, async () => {
      const { env, topic, client, orders } = await setUp('secured');
      const fail = (command: string, data: object) =>
        client.db('admin').command({
          configureFailPoint: 'failCommand',
          mode: { times: 2 },
          data: { failCommands: [command], appName: 'sluice', ...data },
        });
      let capture = await startCapture(env, NEVER);
      for (let n = 0; n < 40; n++) {
        await transact(client, orders, n);
        if (n === 8) await fail('getMore', { errorCode: 11600 });
        if (n === 16) await fail('aggregate', { closeConnection: true });
        if (n === 16) await fail('getMore', { closeConnection: true });
        if (n === 24) await server.restart();
        if (n === 32) {
          capture.kill('SIGKILL');
          expect((await capture.ended).stderr).toMatch(/reopening the stream/);
          capture = await startCapture(env, NEVER);
        }
      }
      await orders.insertOne({ _id: 'last' });
      await capturedIs(bootstrap(), topic, 'last');
      await stopCapture(capture);
      const changes = (await messagesOf(bootstrap(), topic)).map(({ value }) => value);
      expect(new Set(changes.map(({ change_id }) => change_id)).size).toBe(changes.length);
      expect(changes).toHaveLength(40 * 9 + 1);
      for (const { order_id } of changes) {
        const states = changes.filter((change) => change.order_id === order_id).map(({ operation }) => operation);
        const gone = ['insert', 'vanished', 'delete'];
        expect(states).toEqual(
          order_id === 'last' ? ['insert'] : order_id.endsWith('-0') ? gone : ['insert', 'update'],
        );
      }
      await runUntilEnd(env);
      await verifies(env);
      expect(await orderRows(env.DATA_DIR)).toEqual(await collectionRows(orders));
    });

    it.each([
      ['a snapshot without a user', [], /\/\/.*@/, '//', /may not be read: .*needs the role read/],
      ['a stream without a user', NEVER, /\/\/.*@/, '//', /may not be read: .*needs the role read/],
      ['a wrong password', [], /:[^:]*@/, ':wrong@', /MONGODB_URI cannot be used/],
    ])('ends with what is wrong: %s', LONG, async (_, args, part, instead, message) => {
      const { env } = await setUp('refused');
      const MONGODB_URI = server.uri.replace(part, instead);
      const result = await runCli(['capture', ...args], { env: { ...env, MONGODB_URI } });
      expect(result.code, result.stderr).toBe(3);
      expect(result.stderr).toMatch(/SLUICE_MONGODB/);
      expect(result.stderr).toMatch(message);
    });
  });
});
