import { describe, expect, it } from 'vitest';
import { openSql } from '../../../src/query/sql-client.js';
import { specJson } from '../../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../../src/schema/spec-file.js';
import { DuckDbSink } from '../../../src/sinks/duckdb/sink.js';
import { checks } from '../../../src/verify/checks.js';
import { makeBatch, openSink, order, select, sinkOptions, TOPIC, temporaryDirectory } from '../../support/batches.js';

describe('schema evolution', () => {
  const specWith = (edit: (columns: Record<string, unknown>[]) => void) => {
    const json = JSON.parse(specJson(ORDERS_SPEC)) as { columns: Record<string, unknown>[] };
    edit(json.columns);
    return parseSpec(JSON.stringify(json), 'test');
  };

  it('adds a column, and fills one that the spec lost with null', async () => {
    const dataDir = temporaryDirectory();
    const first = await openSink(dataDir);
    await first.stage(await makeBatch(dataDir, 0, 0, [order('a', { status: 'paid', note: 'n' })]));
    await first.commit();
    await first.close();
    const spec = specWith((columns) => {
      columns.splice(
        columns.findIndex(({ name }) => name === 'status'),
        1,
        { name: 'note', kind: 'text' },
      );
    });
    const second = await openSink(dataDir, { spec });
    await second.stage(await makeBatch(dataDir, 0, 1, [order('b', { status: 'paid', note: 'n' })], { spec }));
    await second.commit();
    expect(await select(second, 'SELECT change_id, status, note, extra FROM cdc_orders ORDER BY 1')).toEqual([
      ['a', 'paid', null, '{"note":"n"}'],
      ['b', null, 'n', '{"status":"paid"}'],
    ]);
    expect((await select(second, 'SELECT count(*) FROM orders'))[0]).toEqual([2n]);
  });

  it('keeps texts of few values in dictionaries', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    const orders = Array.from({ length: 5000 }, (_, n) => order(`o-${n}`, { status: 'paid', order_id_type: 'string' }));
    await sink.stage(await makeBatch(dataDir, 0, 0, orders));
    await sink.commit();
    await select(sink, 'CHECKPOINT');
    const sql = `SELECT DISTINCT column_name FROM pragma_storage_info('cdc_orders')
      WHERE segment_type = 'VARCHAR' AND compression = 'ZSTD' ORDER BY 1`;
    const names = (await select(sink, sql)).map(([name]) => name);
    expect(names).toContain('order_id');
    expect(names.filter((name) => ['operation', 'currency', 'status', 'order_id_type'].includes(String(name)))).toEqual(
      [],
    );
  });

  it('refuses a column whose kind changed, another topic and a newer format', async () => {
    const dataDir = temporaryDirectory();
    await (await openSink(dataDir)).close();
    const spec = specWith((columns) => {
      columns.find(({ name }) => name === 'status')!.kind = 'int64';
    });
    await expect(new DuckDbSink(sinkOptions(dataDir, { spec })).open()).rejects.toMatchObject({
      code: 'SLUICE_SPEC_CHANGED',
      message: expect.stringMatching(/column status of cdc_orders is VARCHAR, the table spec makes it BIGINT/),
    });
    await expect(new DuckDbSink({ ...sinkOptions(dataDir), topic: 'other' }).open()).rejects.toMatchObject({
      code: 'SLUICE_CONFIG',
      message: expect.stringContaining('holds the topic cdc_orders, KAFKA_TOPIC is other'),
    });
    const sink = await openSink(dataDir);
    await select(sink, 'UPDATE sluice.meta SET format_version = 99');
    await sink.close();
    await expect(new DuckDbSink(sinkOptions(dataDir)).open()).rejects.toMatchObject({ code: 'SLUICE_CONFIG' });
  });

  it.each([
    [
      'a kind that DuckDB stores alike',
      (columns: Record<string, unknown>[]) => {
        columns.find(({ name }) => name === 'status')!.kind = 'json';
      },
      /column status of cdc_orders is text, the table spec makes it json/,
    ],
    [
      'another change id',
      (columns: Record<string, unknown>[]) => {
        delete columns.find(({ name }) => name === 'change_id')!.role;
        Object.assign(columns.find(({ name }) => name === 'status')!, { role: 'change_id', required: true });
      },
      /has the table cdc_orders with the change id change_id, .* with the change id status/,
    ],
  ])('refuses %s, and changes nothing', async (_, edit, message) => {
    const dataDir = temporaryDirectory();
    await (await openSink(dataDir)).close();
    const spec = specWith((columns) => {
      columns.push({ name: 'added', kind: 'text' });
      edit(columns);
    });
    await expect(new DuckDbSink(sinkOptions(dataDir, { spec })).open()).rejects.toMatchObject({
      code: 'SLUICE_SPEC_CHANGED',
      message: expect.stringMatching(message),
    });
    const sink = await openSink(dataDir);
    expect(await select(sink, `SELECT count(*) FROM duckdb_columns() WHERE column_name = 'added'`)).toEqual([[0n]]);
  });

  it('refuses another table in the same directory', async () => {
    const dataDir = temporaryDirectory();
    await (await openSink(dataDir)).close();
    const spec = { ...ORDERS_SPEC, table: 'other' };
    await expect(new DuckDbSink(sinkOptions(dataDir, { spec })).open()).rejects.toMatchObject({
      code: 'SLUICE_SPEC_CHANGED',
      message: expect.stringContaining('has the table cdc_orders'),
    });
  });
});

describe('names', () => {
  it.each(['table', 'newest', 'markers'])(
    'may be words of SQL, or those that the sink uses itself: %s',
    async (table) => {
      const names = ['batch', 'group', 'select', 'desc', 'end', 'rowid_', 'nth', 'stamp', 'rows', 'files'];
      const spec = parseSpec(
        JSON.stringify({
          table,
          view: 'view',
          columns: [
            { name: 'new', kind: 'text', required: true, role: 'change_id' },
            { name: 'order', kind: 'text', required: true, role: 'key' },
            { name: 'case', kind: 'text', role: 'operation' },
            ...names.map((name) => ({ name, kind: 'text' })),
          ],
        }),
        'test',
      );
      const change = (id: string, fields = {}) => JSON.stringify({ new: id, order: 'o', batch: 'b', ...fields });
      const dataDir = temporaryDirectory();
      const sink = await openSink(dataDir, { spec });
      await sink.stage(await makeBatch(dataDir, 0, 0, [change('1'), change('1'), change('2', { end: 'e' })], { spec }));
      expect(await sink.commit()).toMatchObject({ stats: { merged: 2, duplicate: 1 } });
      await sink.stage(await makeBatch(dataDir, 0, 3, [change('1')], { spec }));
      expect(await sink.commit()).toMatchObject({ stats: { merged: 0, duplicate: 1 } });
      expect(await select(sink, `SELECT "new", "end", batch FROM "view"`)).toEqual([['2', 'e', 'b']]);
      await sink.close();
      const client = await openSql(dataDir);
      for await (const { name, problems } of checks(client, { dataDir, topic: TOPIC, spec, table, changeId: 'new' })) {
        expect([name, problems]).toEqual([name, []]);
      }
      client.close();
    },
  );
});

describe('the orders view', () => {
  it('has the newest change of each order: by offset, across partitions by time, without deleted ones', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    const change = (id: string, orderId: string, status: string, operation = 'update') =>
      JSON.stringify({ change_id: id, order_id: orderId, status, operation });
    await sink.stage(
      await makeBatch(dataDir, 0, 0, [
        change('1', 'x', 'old'),
        change('2', 'y', 'kept'),
        change('3', 'x', 'new'),
        change('4', 'z', 'gone', 'delete'),
      ]),
    );
    await sink.stage(await makeBatch(dataDir, 1, 0, [change('5', 'z', 'back'), change('6', 'y', 'gone', 'delete')]));
    await sink.commit();
    await select(
      sink,
      `UPDATE cdc_orders SET kafka_timestamp = kafka_timestamp + INTERVAL 1 HOUR WHERE change_id IN ('4', '6')`,
    );
    expect(await select(sink, 'SELECT order_id, status FROM orders')).toEqual([['x', 'new']]);
  });

  /** A change with and without a type of its order id. */
  const change = (id: string, orderId: string, type: string | undefined, operation = 'update') =>
    JSON.stringify({ change_id: id, order_id: orderId, order_id_type: type, operation });
  const present = async (sink: DuckDbSink) =>
    (await select(sink, 'SELECT change_id FROM orders ORDER BY change_id')).map(([id]) => id);

  it('tells orders of one text and several types apart; a text that never has one is an order too', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    const changes = [
      change('1', '10', 'string'),
      change('2', '10', 'number'),
      change('3', '11', undefined),
      change('4', '10', 'string'),
      change('5', '10', 'number', 'delete'),
      change('6', '11', undefined),
    ];
    await sink.stage(await makeBatch(dataDir, 0, 0, changes));
    await sink.commit();
    expect(await present(sink)).toEqual(['4', '6']);
  });

  it('takes rows without a type for those of the document with the first type, in Kafka’s order', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    await sink.stage(
      await makeBatch(dataDir, 0, 0, [
        change('01', 'deleted', undefined),
        change('02', 'updated', undefined),
        change('03', 'untouched', undefined),
        change('04', 'gone before', undefined),
        change('05', 'gone before', undefined, 'delete'),
        change('06', 'moved', undefined),
        change('07', 'deleted', 'string', 'delete'),
        change('08', 'updated', 'number'),
        change('09', 'updated', 'string'),
        change('10', 'deleted', 'number'),
        change('11', 'gone before', 'objectId'),
      ]),
    );
    await sink.stage(
      await makeBatch(dataDir, 1, 0, [change('12', 'moved', 'string'), change('13', 'moved', 'string', 'delete')]),
    );
    await sink.commit();
    await select(
      sink,
      `UPDATE cdc_orders SET kafka_timestamp = kafka_timestamp + INTERVAL 1 HOUR WHERE kafka_partition = 1`,
    );
    expect(await present(sink)).toEqual(['03', '08', '09', '10', '11']);
  });

  it('leaves out what the newest complete snapshot does not have', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    const marker = (id: string, end: 'begin' | 'end', time = 'T') =>
      change(id, `snapshot:${time}`, 'snapshot', `snapshot_${end}`);
    const changes = [
      change('01', 'a', 'string'),
      change('02', 'b', 'string'),
      marker('03', 'begin'),
      change('04', 'a', 'string', 'snapshot'),
      marker('05', 'end'),
    ];
    // Of another collection at the same time, and one that is not at its end.
    const second = [marker('06', 'begin'), change('07', 'c', 'string', 'snapshot'), marker('08', 'end')];
    const third = [marker('09', 'begin', 'U'), change('10', 'd', 'string', 'snapshot')];
    const after: unknown[] = [];
    for (const [index, part] of [changes, second, third].entries()) {
      await sink.stage(await makeBatch(dataDir, 0, [0, 5, 8][index], part));
      await sink.commit();
      after.push(await present(sink));
    }
    expect(after).toEqual([['04'], ['07'], ['07', '10']]);
  });

  it('leaves out what the spec says is deleted: by operations, and by a flag', async () => {
    const dataDir = temporaryDirectory();
    const columns = [
      { name: 'change_id', kind: 'text', required: true, role: 'change_id' },
      { name: 'order_id', kind: 'text', required: true, role: 'key' },
      { name: 'operation', kind: 'text', role: 'operation', operations: { c: 'insert', d: 'delete', x: 'vanished' } },
      { name: 'gone', kind: 'bool' },
    ];
    const deletes = { operations: ['delete'], flag: 'gone' };
    const spec = parseSpec(JSON.stringify({ table: 't', view: 'orders', columns, deletes }), 'test');
    const sink = await openSink(dataDir, { spec });
    const changes = [
      { change_id: '1', order_id: 'a', operation: 'd' },
      { change_id: '2', order_id: 'b', operation: 'c', gone: 'true' },
      { change_id: '3', order_id: 'c', operation: 'x', gone: false },
      { change_id: '4', order_id: 'd', operation: 'unknown' },
      { change_id: '5', order_id: 'e', gone: true },
      { change_id: '6', order_id: 'e' },
    ].map((message) => JSON.stringify(message));
    await sink.stage(await makeBatch(dataDir, 0, 0, changes, { spec }));
    await sink.commit();
    expect(await present(sink)).toEqual(['3', '4', '6']);
  });

  it('needs no type and no operation', async () => {
    const dataDir = temporaryDirectory();
    const columns = [
      { name: 'change_id', kind: 'text', required: true, role: 'change_id' },
      { name: 'order_id', kind: 'text', required: true, role: 'key' },
    ];
    const spec = parseSpec(JSON.stringify({ table: 't', view: 'orders', columns }), 'test');
    const sink = await openSink(dataDir, { spec });
    const changes = [change('1', 'a', 'string'), change('2', 'a', 'number'), change('3', 'b', 'string', 'delete')];
    await sink.stage(await makeBatch(dataDir, 0, 0, changes, { spec }));
    await sink.commit();
    expect(await present(sink)).toEqual(['2', '3']);
  });
});
