/** A write to MongoDB becomes a row of DuckDB, while `sluice capture` and `sluice run` both run. */
import { fileURLToPath } from 'node:url';
import { Decimal128, Long, MongoClient } from 'mongodb';
import { expect, it, onTestFinished, vi } from 'vitest';
import { CliProcess, runCli } from '../support/cli.js';
import { describeKafka } from '../support/kafka/shared.js';
import { replicaSet } from '../support/mongo/server.js';
import { captureEnv, LONG_MS, startCapture, stopCapture } from './capturing.js';
import { liveOrderRows, type Order } from './mongo-orders.js';
import { consumed, startRun, stop, verifies } from './support.js';

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

  it('takes the sample orders of deploy/, each of their values as its column has it', {
    timeout: LONG_MS,
  }, async () => {
    const server = await replicaSet();
    onTestFinished(() => server.kill());
    const { env } = await captureEnv(bootstrap(), server.uri, 'sample');
    const run = await startRun(env);
    const capture = await startCapture(env);
    const script = fileURLToPath(new URL('../../deploy/orders.mjs', import.meta.url));
    const writer = await CliProcess.start([], {
      script,
      env: { ...env, ORDERS_PER_SECOND: '500' },
      timeoutMs: LONG_MS,
    });
    await vi.waitFor(async () => expect(await consumed(env.DATA_DIR)).toBeGreaterThan(200), {
      timeout: 120_000,
      interval: 200,
    });
    writer.kill('SIGTERM');
    expect(await writer.ended).toMatchObject({ code: 0, stderr: '' });
    await stopCapture(capture);
    expect(await stop(run)).toMatchObject({ quarantined: 0, duplicate: 0 });
    const kinds = `SELECT string_agg(DISTINCT operation, ' ' ORDER BY operation), max(issues),
      bool_and(amount IS NOT NULL) FROM cdc_orders WHERE operation <> 'delete'`;
    const { stdout } = await runCli(['query', '--format', 'csv', kinds], { env });
    expect(stdout.split('\n')[1]).toBe('insert update,0,true');
    await verifies(env);
  });
});
