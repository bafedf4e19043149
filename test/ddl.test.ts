import { describe, expect, it } from 'vitest';
import { Merge } from '../src/merge.js';
import { ORDERS_SPEC, parseSpec, specJson } from '../src/spec.js';
import { makeBatch, mergeOptions, openMerge, order, select, temporaryDirectory } from './support/batches.js';

describe('schema evolution', () => {
  const specWith = (edit: (columns: Record<string, unknown>[]) => void) => {
    const json = JSON.parse(specJson(ORDERS_SPEC)) as { columns: Record<string, unknown>[] };
    edit(json.columns);
    return parseSpec(JSON.stringify(json), 'test');
  };

  it('adds a column, and fills one that the spec lost with null', async () => {
    const dataDir = temporaryDirectory();
    const first = await openMerge(dataDir);
    await first.stage(makeBatch(dataDir, 0, 0, [order('a', { status: 'paid', note: 'n' })]));
    await first.commit();
    await first.close();
    const spec = specWith((columns) => {
      columns.splice(
        columns.findIndex(({ name }) => name === 'status'),
        1,
        { name: 'note', kind: 'text' },
      );
    });
    const second = await openMerge(dataDir, spec);
    await second.stage(makeBatch(dataDir, 0, 1, [order('b', { status: 'paid', note: 'n' })], { spec }));
    await second.commit();
    expect(await select(second, 'SELECT change_id, status, note, extra FROM cdc_orders ORDER BY 1')).toEqual([
      ['a', 'paid', null, '{"note":"n"}'],
      ['b', null, 'n', '{"status":"paid"}'],
    ]);
    expect((await select(second, 'SELECT count(*) FROM orders'))[0]).toEqual([2n]);
  });

  it('refuses a column whose kind changed, another topic and a newer format', async () => {
    const dataDir = temporaryDirectory();
    await (await openMerge(dataDir)).close();
    const spec = specWith((columns) => {
      columns.find(({ name }) => name === 'status')!.kind = 'int64';
    });
    await expect(new Merge(mergeOptions(dataDir, spec)).open()).rejects.toMatchObject({
      code: 'SLUICE_SPEC_CHANGED',
      message: expect.stringMatching(/column status of cdc_orders is VARCHAR, the table spec makes it BIGINT/),
    });
    await expect(new Merge({ ...mergeOptions(dataDir), topic: 'other' }).open()).rejects.toMatchObject({
      code: 'SLUICE_CONFIG',
      message: expect.stringContaining('holds the topic cdc_orders, KAFKA_TOPIC is other'),
    });
    const merge = await openMerge(dataDir);
    await select(merge, 'UPDATE sluice.meta SET format_version = 2');
    await merge.close();
    await expect(new Merge(mergeOptions(dataDir)).open()).rejects.toMatchObject({ code: 'SLUICE_CONFIG' });
  });
});

describe('the orders view', () => {
  it('has the newest change of each order: by offset, across partitions by time, without deleted ones', async () => {
    const dataDir = temporaryDirectory();
    const merge = await openMerge(dataDir);
    const change = (id: string, orderId: string, status: string, operation = 'update') =>
      JSON.stringify({ change_id: id, order_id: orderId, status, operation });
    await merge.stage(
      makeBatch(dataDir, 0, 0, [
        change('1', 'x', 'old'),
        change('2', 'y', 'kept'),
        change('3', 'x', 'new'),
        change('4', 'z', 'gone', 'delete'),
      ]),
    );
    await merge.stage(makeBatch(dataDir, 1, 0, [change('5', 'z', 'back'), change('6', 'y', 'gone', 'delete')]));
    await merge.commit();
    await select(
      merge,
      `UPDATE cdc_orders SET kafka_timestamp = kafka_timestamp + INTERVAL 1 HOUR WHERE change_id IN ('4', '6')`,
    );
    expect(await select(merge, 'SELECT order_id, status FROM orders')).toEqual([['x', 'new']]);
  });
});
