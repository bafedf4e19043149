/** What a batch fails, in the ledger and the quarantine; rates of minutes and uniqueness, which the sink sees. */
import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../../src/core/errors.js';
import { specJson } from '../../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../../src/schema/spec-file.js';
import { makeBatch, openSink, order, select, temporaryDirectory, token } from '../../support/batches.js';

function specOf(...expectations: object[]) {
  return parseSpec(JSON.stringify({ ...JSON.parse(specJson(ORDERS_SPEC)), expectations }), 'of the test');
}

const POSITIVE = { name: 'positive', column: 'amount', range: { min: '0' } };

async function opened(...expectations: object[]) {
  const spec = specOf(...expectations);
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir, { spec });
  const next = [0, 0];
  const stage = async (partition: number, values: (string | null)[]) => {
    await sink.stage(await makeBatch(dataDir, partition, next[partition], values, { spec }));
    next[partition] += values.length;
  };
  return { sink, stage };
}

describe('a batch that fails an expectation', () => {
  it('is committed with its counts, and rows that quarantine are messages of the quarantine', async () => {
    const { sink, stage } = await opened(
      { ...POSITIVE, action: 'quarantine' },
      { name: 'known', column: 'status', values: ['paid'] },
      { name: 'amounts', column: 'amount', nulls: { max_share: 0.4, per: 'batch' } },
    );
    await stage(0, [
      order(token(1), { amount: -1 }),
      order(token(2), { status: 'x' }),
      order(token(3), { amount: '1', status: 'y' }),
    ]);
    await stage(1, [order(token(4), { amount: 1, status: 'paid' })]);
    const { failedExpectations, stats } = await sink.commit();
    expect(stats).toMatchObject({ merged: 3, quarantined: 1, expectation: 1, messages: 4 });
    expect(failedExpectations).toEqual([
      { name: 'positive', action: 'quarantine', failed: 1, firstOffset: 0 },
      { name: 'known', action: 'warn', failed: 2, firstOffset: 1 },
      { name: 'amounts', action: 'warn', failed: 1, observed: 0.5 },
    ]);
    const rows = await select(sink, `SELECT partition_id, failed_expectations::VARCHAR FROM sluice.batches ORDER BY 1`);
    expect(rows).toEqual([
      [0, "{'expectation:positive'=1, known=2, amounts=1}"],
      [1, null],
    ]);
    expect(await select(sink, 'SELECT message_offset, reason, column_name FROM sluice.quarantine')).toEqual([
      [0n, 'expectation:positive', 'amount'],
    ]);
  });

  it('that stops the run is not made at all', async () => {
    const spec = specOf({ ...POSITIVE, action: 'stop' });
    const batch = makeBatch(temporaryDirectory(), 1, 5, [order(token(1)), order(token(2), { amount: -3 })], { spec });
    await expect(batch).rejects.toThrow(SluiceError);
    await expect(batch).rejects.toThrow(
      'expectation positive fails in 1 row, the first at offset 6: partition 1, offsets 5 to 7. Nothing of the batch',
    );
  });
});

describe('rows of a minute, and of a batch', () => {
  const unique = (per: string, action = 'warn') => ({ name: 'once', column: 'order_id', unique: { per }, action });
  const of = (change: number, id: string) => order(token(change), { order_id: id });

  it('are told apart by the window; duplicates that the sink drops are no repetition', async () => {
    const batch = await opened(unique('batch'));
    await batch.stage(0, [of(1, 'a'), of(2, 'b'), of(1, 'a')]);
    await batch.stage(1, [of(3, 'a'), of(4, 'b'), of(5, 'b')]);
    expect((await batch.sink.commit()).failedExpectations).toEqual([{ name: 'once', action: 'warn', failed: 1 }]);
    const rows = await select(
      batch.sink,
      `SELECT partition_id, failed_expectations::VARCHAR FROM sluice.batches ORDER BY 1`,
    );
    expect(rows).toEqual([
      [0, null],
      [1, '{once=1}'],
    ]);
  });

  it('fail a minute once, in the commit after which it fails', async () => {
    const minute = await opened(unique('minute'), {
      name: 'nulls',
      column: 'amount',
      nulls: { max_share: 0.5, per: 'minute' },
    });
    await minute.stage(0, [of(1, 'a'), order(token(2), { order_id: 'b', amount: 1 })]);
    expect((await minute.sink.commit()).failedExpectations).toEqual([]);
    await minute.stage(1, [of(3, 'a')]);
    expect((await minute.sink.commit()).failedExpectations).toEqual([
      { name: 'once', action: 'warn', failed: 1 },
      { name: 'nulls', action: 'warn', failed: 1 },
    ]);
    await minute.stage(1, [of(4, 'a')]);
    expect((await minute.sink.commit()).failedExpectations).toEqual([]);
  });

  it('stop the run before anything of the group is committed', async () => {
    const { sink, stage } = await opened(unique('batch', 'stop'));
    await stage(0, [of(1, 'a'), of(2, 'a')]);
    await expect(sink.commit()).rejects.toThrow('expectation once fails: partition 0, offsets 0 to 2. Nothing of the');
    expect(await select(sink, 'SELECT count(*) FROM cdc_orders')).toEqual([[0n]]);
  });
});
