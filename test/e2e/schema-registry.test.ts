/** A topic behind a schema registry, through the whole program. Those against a real registry: test/integrations/. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { avroType, decimalBytes, framed } from '../support/avro.js';
import { runCli, temporaryDataDir } from '../support/cli.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { createTopic, produce } from '../support/produce.js';
import { FakeRegistry } from '../support/registry.js';
import { filledTopic, LAKE_ENV, queryFile, runEnv, runUntilEnd, verifies } from './support.js';

const ORDER = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'change_id', type: 'string' },
    { name: 'order_id', type: 'string' },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
  ],
};

describeKafka('VALUE_FORMAT', (bootstrap) => {
  it.each(['duckdb', 'ducklake'])('avro: rows, and the schema ids in the ledger, SINK=%s', async (sink) => {
    const registry = await FakeRegistry.start();
    const id = registry.register('x', ORDER);
    const newer = { ...ORDER, fields: [...ORDER.fields, { name: 'note', type: ['null', 'string'], default: null }] };
    const ids = [id, registry.register('x', newer)];
    const value = (fields: { change_id: string }) => {
      const order = { order_id: 'o', amount: decimalBytes(1250n), note: 'n', ...fields };
      return fields.change_id === 'a'
        ? framed(ids[0], avroType(ORDER).toBuffer(order))
        : framed(ids[1], avroType(newer).toBuffer(order));
    };
    const messages = [{ value: value({ change_id: 'a' }) }, { value: value({ change_id: 'b' }) }, { value: '{}' }];
    const topic = await filledTopic(bootstrap(), 'avro', 1, messages);
    const dataDir = await temporaryDataDir();
    const more = { ...LAKE_ENV, SINK: sink, BATCH_ROWS: '1', VALUE_FORMAT: 'avro', SCHEMA_REGISTRY_URL: registry.url };
    const env = runEnv(bootstrap(), topic, dataDir, more);
    expect(await runUntilEnd(env)).toMatchObject({ events: 3, merged: 2, quarantined: 1 });
    await verifies(env);
    const rows = await queryFile(dataDir, 'SELECT change_id, amount::VARCHAR, extra FROM cdc_orders ORDER BY 1');
    expect(rows).toEqual([
      ['a', '12.5000', null],
      ['b', '12.5000', '{"note":"n"}'],
    ]);
    const ledger = "SELECT array_to_string(list_sort(flatten(list(schema_ids))), ' ') FROM sluice.batches";
    expect(await queryFile(dataDir, ledger)).toEqual([[ids.join(' ')]]);
    expect(await queryFile(dataDir, 'SELECT reason FROM sluice.quarantine')).toEqual([['not_framed']]);
    if (sink !== 'duckdb') return;
    // What a new database is made from: the metadata of a joined file.
    expect((await runCli(['compact'], { env })).code).toBe(0);
    rmSync(join(dataDir, 'analytics.db'));
    const recovered = await runCli(['recover', '--from-parquet'], { env });
    expect(recovered.code, recovered.stderr).toBe(0);
    expect(await queryFile(dataDir, ledger)).toEqual([[ids.join(' ')]]);
  });

  it.each(['packed', 'stock'])('avro: schema ids and GUIDs in headers, KAFKA_SOURCE=%s', async (reader) => {
    const registry = await FakeRegistry.start();
    const guid = '89791762-2336-4186-9674-299b90a802e2';
    const [id, ofGuid] = [registry.register('x', ORDER), registry.register('y', ORDER, { guid })];
    const value = (changeId: string) =>
      avroType(ORDER).toBuffer({ change_id: changeId, order_id: 'o', amount: decimalBytes(1250n) });
    const header = (bytes: Uint8Array) => ({ headers: { other: Buffer.from('x'), __value_schema_id: bytes } });
    const guidBytes = Buffer.from(`01${guid.replaceAll('-', '')}`, 'hex');
    const messages = [
      { value: value('id'), ...header(framed(id, '')) },
      { value: value('guid'), ...header(guidBytes) },
      { value: framed(id, value('value')) },
      // A header of another form, and a GUID that the registry does not know.
      { value: value('bad'), ...header(Buffer.from('2')) },
      { value: value('unknown'), ...header(Buffer.from(guidBytes).fill(9, 1)) },
      { value: null, ...header(guidBytes) },
    ];
    const topic = await filledTopic(bootstrap(), 'avro-headers', 1, messages);
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), {
      ...{ KAFKA_SOURCE: reader, VALUE_FORMAT: 'avro', SCHEMA_REGISTRY_URL: registry.url },
      SCHEMA_REGISTRY_UNKNOWN_WAIT: '0s',
    });
    const run = await runCli(['run', '--until-end', '--on-unknown-schema', 'quarantine'], { env });
    expect(run.code, run.stderr).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ events: 6, merged: 3, quarantined: 2, tombstone: 1 });
    const changes = 'SELECT change_id FROM cdc_orders ORDER BY kafka_offset';
    expect((await queryFile(env.DATA_DIR, changes)).flat()).toEqual(['id', 'guid', 'value']);
    const ids = 'SELECT list_sort(list_distinct(flatten(list(schema_ids)))) FROM sluice.batches';
    expect(await queryFile(env.DATA_DIR, `SELECT array_to_string((${ids}), ' ')`)).toEqual([[`${id} ${ofGuid}`]]);
    const reasons = 'SELECT reason, byte_position::INTEGER FROM sluice.quarantine ORDER BY message_offset';
    expect(await queryFile(env.DATA_DIR, reasons)).toEqual([
      ['not_framed', 0],
      ['unknown_schema', null],
    ]);
  });

  it.each(['packed', 'stock'])(
    'KEY_FORMAT=avro: rows of tombstones, ids in headers, KAFKA_SOURCE=%s',
    async (reader) => {
      const registry = await FakeRegistry.start();
      const row = { type: 'record', name: 'Row', fields: [{ name: 'order_id', type: 'long' }] };
      const fields = [
        { name: 'after', type: ['null', row] },
        { name: 'op', type: 'string' },
      ];
      const envelope = { type: 'record', name: 'Envelope', fields };
      const topic = uniqueTopic('avro-keys');
      const ids = [registry.register(`${topic}-key`, row), registry.register(`${topic}-value`, envelope)];
      const [keyType, valueType] = [avroType(row), avroType(envelope)];
      const key = (id: number) => keyType.toBuffer({ order_id: id });
      const value = (id: number | null, op: string) => valueType.toBuffer({ after: id && { order_id: id }, op });
      const headers = { __value_schema_id: framed(ids[1], ''), __key_schema_id: framed(ids[0], '') };
      await createTopic(bootstrap(), topic, 1);
      await produce(bootstrap(), topic, [
        { key: framed(ids[0], key(1)), value: framed(ids[1], value(1, 'c')) },
        { key: key(2), value: value(2, 'c'), headers },
        { key: key(1), value: value(null, 'd'), headers },
        { key: framed(ids[0], key(1)), value: null },
        { key: key(2), value: null, headers },
        { key: key(3), value: framed(ids[1], value(3, 'c')) },
        { value: framed(ids[1], value(4, 'c')), headers: { __key_schema_id: framed(ids[0], '') } },
      ]);
      const env = runEnv(bootstrap(), topic, await temporaryDataDir(), {
        ...{ KAFKA_SOURCE: reader, VALUE_FORMAT: 'avro', KEY_FORMAT: 'avro', SCHEMA_REGISTRY_URL: registry.url },
        TABLE_SPEC: 'preset:debezium',
      });
      expect(await runUntilEnd(env)).toMatchObject({ events: 7, merged: 6, quarantined: 1 });
      const rows = 'SELECT order_id, operation FROM cdc_orders ORDER BY kafka_offset';
      expect((await queryFile(env.DATA_DIR, rows)).map((cells) => cells.join(' '))).toEqual([
        ...['1 insert', '2 insert', '1 delete', '1 delete', '2 delete', '4 insert'],
      ]);
      expect(await queryFile(env.DATA_DIR, 'SELECT order_id FROM orders')).toEqual([['4']]);
      expect(await queryFile(env.DATA_DIR, 'SELECT reason, key = $$\x06$$::BLOB FROM sluice.quarantine')).toEqual([
        ['not_framed', true],
      ]);
      const ledger =
        "SELECT array_to_string(list_sort(list_distinct(flatten(list(schema_ids)))), ' ') FROM sluice.batches";
      expect(await queryFile(env.DATA_DIR, ledger)).toEqual([[ids.join(' ')]]);
    },
  );
});
