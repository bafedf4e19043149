/** A write to MongoDB becomes a row of DuckDB, while `sluice capture` and `sluice run` both run. */
import { Decimal128, Long, MongoClient } from 'mongodb';
import { expect, it, onTestFinished, vi } from 'vitest';
import { describeKafka } from '../support/kafka/shared.js';
import { replicaSet } from '../support/mongo/server.js';
import { captureEnv, LONG_MS, startCapture, stopCapture } from './capturing.js';
import { liveOrderRows, type Order } from './mongo-orders.js';
import { startRun, stop, verifies } from './support.js';

describeKafka('MongoDB to DuckDB', (bootstrap) => {
  it('shows inserts, an update and a delete in the orders view, value by value', { timeout: LONG_MS }, async () => {
    const server = await replicaSet();
    onTestFinished(() => server.kill());
    const client = new MongoClient(server.uri);
    onTestFinished(() => client.close());
    const { env, topic } = await captureEnv(bootstrap(), server.uri, 'both');
    const orders = client.db(topic).collection<Order>('orders');
    const run = await startRun(env);
    const capture = await startCapture(env);
    const shows = (rows: Iterable<[string, unknown]>) =>
      vi.waitFor(async () => expect(await liveOrderRows(env)).toEqual(new Map(rows)), {
        timeout: 120_000,
        interval: 200,
      });

    await orders.insertOne({
      _id: 'o-1',
      customer: { id: 'c-1', name: 'Ωmega 😀' },
      amount: Decimal128.fromString('12345678901234.56785'),
      status: 'created',
      items: [{ sku: 's-1', qty: 2 }],
      stock: Long.fromString('9007199254740993'),
      at: new Date(-1),
      deep: { ünï: [1.5, null, { x: true }] },
    });
    await orders.insertMany([{ _id: 'o-2', amount: Decimal128.fromString('0.10'), status: 'created' }, { _id: 'o-3' }]);
    const first = {
      customer: 'c-1',
      name: 'Ωmega 😀',
      amount: '12345678901234.5679',
      status: 'created',
      items: '[{"sku":"s-1","qty":2}]',
      extra: {
        stock: { $numberLong: '9007199254740993' },
        at: { $date: { $numberLong: '-1' } },
        deep: { ünï: [1.5, null, { x: true }] },
      },
    };
    const empty = { customer: null, name: null, amount: null, status: null, items: null, extra: {} };
    const second = { ...empty, amount: '0.1000', status: 'created' };
    await shows([
      ['o-1', first],
      ['o-2', second],
      ['o-3', empty],
    ]);

    await orders.updateOne({ _id: 'o-1' }, { $set: { status: 'paid' }, $unset: { deep: 1 } });
    await orders.deleteOne({ _id: 'o-2' });
    const { deep: _, ...extra } = first.extra;
    const updated = { ...first, status: 'paid', extra };
    await shows([
      ['o-1', updated],
      ['o-3', empty],
    ]);

    await orders.insertOne({ _id: 'o-2', status: 'created again' });
    await shows([
      ['o-1', updated],
      ['o-2', { ...empty, status: 'created again' }],
      ['o-3', empty],
    ]);
    await stopCapture(capture);
    // Of each of the four partitions two markers; what was written above are six changes.
    expect(await stop(run)).toMatchObject({ merged: 6, marker: 8, quarantined: 0, duplicate: 0 });
    await verifies(env);
  });
});
