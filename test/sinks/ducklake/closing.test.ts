/** The end of a sink: what is under way is waited for, and nothing begins beside it. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Housekeeping } from '../../../src/sinks/ducklake/housekeeping.js';
import { DuckLakeSink } from '../../../src/sinks/ducklake/sink.js';
import { order, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { holdClose } from '../../support/held-close.js';
import { lakeOptions, makeLakeBatch, onLake, openLakeSink } from '../../support/lakes.js';
import { describePostgres } from '../../support/postgres.js';

const IDENTITY = { clusterId: 'c', topicId: 't', firstPartitions: 2 };

describe.skipIf(whyNoExtensions() !== undefined)('a sink that is closing', () => {
  it('waits for a commit and for housekeeping, and begins no other', async () => {
    const options = lakeOptions(temporaryDirectory());
    const sink = await openLakeSink(options);
    await sink.compact();
    const stage = async (start: number) =>
      sink.stage(await makeLakeBatch(options, 0, start, [order(token(start + 1))], { epoch: 0 }));
    await stage(0);
    const committing = sink.commit();
    await stage(1);
    const end = holdClose(Housekeeping.prototype);
    const closing = sink.close();
    expect(await committing).toMatchObject({ stats: { merged: 1 } });
    const refused = { code: 'SLUICE_QUERY', message: 'the running process is ending' };
    for (const call of [sink.commit(), sink.claim([0]), sink.setIdentity(IDENTITY), sink.compact()]) {
      await expect(call).rejects.toMatchObject(refused);
    }
    end();
    await closing;
    expect(await onLake(options, 'SELECT count(*)::INTEGER FROM cdc_orders')).toEqual([[1]]);
  });

  const waits = async (sink: DuckLakeSink, call: () => Promise<unknown>) => {
    const steps: string[] = [];
    const called = call().then(() => steps.push('called'));
    await setImmediate();
    await Promise.all([sink.close().then(() => steps.push('closed')), called]);
    expect(steps).toEqual(['called', 'closed']);
  };

  it.each([
    ['a claim', (sink: DuckLakeSink) => sink.claim([0])],
    ['the topic', (sink: DuckLakeSink) => sink.setIdentity(IDENTITY)],
  ])('waits for %s', async (_, call) => {
    const sink = await openLakeSink(lakeOptions(temporaryDirectory()));
    await waits(sink, () => call(sink));
  });

  describePostgres('with a catalog in Postgres', (postgres) => {
    it('waits for a claim', async () => {
      const options = lakeOptions(temporaryDirectory(), `postgres:${await postgres().createDatabase()}`);
      const sink = new DuckLakeSink(options);
      await sink.open();
      await waits(sink, () => sink.claim([0]));
    });
  });
});
