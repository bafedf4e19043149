/** Collections that are dropped or renamed under `sluice capture`. */
import type { Collection } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { CliProcess } from '../support/cli.js';
import { describeKafka } from '../support/kafka/shared.js';
import { capturedIs, LONG_MS, messagesOf, sharedReplicaSet, startCapture, stopCapture } from './capturing.js';
import { collectionRows, type Order, orderRows } from './mongo-orders.js';
import { runUntilEnd } from './support.js';

const LONG = { timeout: LONG_MS };

describeKafka('capture', (bootstrap) => {
  const { client, setUp } = sharedReplicaSet(bootstrap);

  const keysIn = async (topic: string) => {
    const keys = (await messagesOf(bootstrap(), topic)).map(({ key }) => key);
    return new Set(keys.filter((key) => !key.startsWith('snapshot:')));
  };

  describe.each([
    ['dropped', 'drop', (orders) => orders.drop()],
    ['renamed', 'rename', (orders) => orders.rename('archive')],
    ['dropped with its database', 'drop', (orders) => client().db(orders.dbName).dropDatabase()],
  ] satisfies [string, string, (orders: Collection<Order>) => Promise<unknown>][])(
    'of a collection that is %s',
    (_, operation, invalidate) => {
      it('stops, at each start again, until it is told to continue', LONG, async () => {
        const { env, topic, orders } = await setUp('stopped');
        const first = await startCapture(env);
        await orders.insertOne({ _id: 'before' });
        await invalidate(orders);
        await first.line(new RegExp(`orders: ${operation}"`));
        const { code, stderr } = await first.ended;
        expect(code).toBe(3);
        expect(stderr).toMatch(/SLUICE_STREAM_ENDED.*ON_INVALIDATE=continue/);
        const second = await startCapture(env);
        expect((await second.ended).stderr).toMatch(/SLUICE_STREAM_ENDED/);
        const third = await startCapture({ ...env, ON_INVALIDATE: 'continue' });
        await orders.insertOne({ _id: 'after' });
        await capturedIs(bootstrap(), topic, 'after');
        await stopCapture(third);
        expect(await keysIn(topic)).toEqual(new Set(['after', 'before']));
      });

      it('continues with the next collection of its name', LONG, async () => {
        const { env, topic, orders } = await setUp('continued', { ON_INVALIDATE: 'continue' });
        const capture = await startCapture(env);
        await orders.insertOne({ _id: 'before' });
        await invalidate(orders);
        await orders.insertOne({ _id: 'after' });
        await capturedIs(bootstrap(), topic, 'after');
        await stopCapture(capture);
        expect(capture.stderr).toMatch(new RegExp(`orders: ${operation}".*\n.*orders: invalidate"`));
        expect(await keysIn(topic)).toEqual(new Set(['after', 'before']));
      });

      it.each(['initial', 'never'])(
        'leaves only the orders of the next collection in the view, also when it is killed (--snapshot %s)',
        LONG,
        async (snapshot) => {
          const args = ['--snapshot', snapshot];
          const settings = { ON_INVALIDATE: 'continue', TRANSACTION_EVENTS: '20' };
          const { env, topic, orders } = await setUp('emptied', settings);
          const insert = (name: string, count: number) =>
            orders.insertMany(Array.from({ length: count }, (_, n) => ({ _id: `${name}-${n}`, status: name })));
          let capture = await startCapture(env, args);
          await insert('old', 300);
          await capturedIs(bootstrap(), topic, 'old-299');
          await stopCapture(capture);
          await invalidate(orders);
          // With a second invalidation right after the first one, before a capture meets the first.
          await insert('between', 30);
          await orders.drop();
          await insert('new', 300);
          const next = snapshot === 'initial' ? /taking a snapshot/ : /following the change stream/;
          for (const line of [/orders: invalidate"/, next]) {
            capture = await CliProcess.start(['capture', ...args], { env, timeoutMs: LONG_MS });
            await capture.line(line);
            capture.kill('SIGKILL');
            await capture.ended;
          }
          capture = await startCapture(env, args);
          if (snapshot === 'initial') await capture.line(/the snapshot is complete/);
          await orders.insertOne({ _id: 'last', status: 'new' });
          await orders.deleteOne({ _id: 'new-0' });
          await capturedIs(bootstrap(), topic, 'last');
          await stopCapture(capture);
          await runUntilEnd(env);
          expect(await orderRows(env.DATA_DIR)).toEqual(await collectionRows(orders));
          const ids = (await messagesOf(bootstrap(), topic)).map(({ value }) => value.change_id);
          expect(new Set(ids).size).toBe(ids.length);
        },
      );
    },
  );
});
