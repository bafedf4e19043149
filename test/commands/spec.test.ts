import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadSpec } from '../../src/schema/load-spec.js';
import { PRESETS } from '../../src/schema/presets.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { avroType, decimalBytes, framed } from '../support/avro.js';
import { runCli, temporaryDataDir } from '../support/cli.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { createTopic, produce } from '../support/produce.js';
import { FakeRegistry } from '../support/registry.js';

describe('spec', () => {
  it('lists the presets', async () => {
    const { code, stdout } = await runCli(['spec', '--list']);
    expect(code).toBe(0);
    expect(
      stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => line.split(':')[0]),
    ).toEqual(Object.keys(PRESETS));
  });

  it('prints a preset with its comments, which is the spec that preset:NAME names', async () => {
    const { stdout } = await runCli(['spec', '--preset', 'debezium-mongodb']);
    expect(JSON.parse(stdout)).toMatchObject({ $schema: expect.any(String), comment: expect.any(String) });
    expect(parseSpec(stdout, 'printed')).toEqual(loadSpec('preset:debezium-mongodb'));
  });

  it('and the other commands take it by its name', async () => {
    const value = '{"op":"c","after":{"order_id":7,"amount":"AegS"}}';
    const { stdout } = await runCli(['parse', '--spec', 'preset:debezium'], { input: value });
    expect(JSON.parse(stdout)).toMatchObject({ row: { order_id: '7', operation: 'insert', amount: '1249.4600' } });
  });

  it('infers one from the first messages of a file, by which parse reads them', async () => {
    const folder = await temporaryDataDir();
    const file = path.join(folder, 'shop.orders.jsonl');
    await writeFile(file, '{"id":1,"total":1.5}\n\n{"id":2}\n{"other":1}\n');
    const { code, stdout } = await runCli(['spec', '--infer', file, '--sample', '2']);
    expect(code).toBe(0);
    expect(parseSpec(stdout, 'printed')).toMatchObject({
      view: 'orders',
      columns: [{ name: 'id' }, { name: 'total' }],
    });
    await writeFile(path.join(folder, 'spec.json'), stdout);
    const parsed = await runCli(['parse', '--spec', path.join(folder, 'spec.json'), file]);
    const lines = parsed.stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).status)).toEqual(['ok', 'ok', 'missing_required']);
  });

  it('explains a spec, and what becomes of a sample', async () => {
    const folder = await temporaryDataDir();
    const [spec, file] = [path.join(folder, 'spec.json'), path.join(folder, 'messages.jsonl')];
    const columns = [
      { name: 'id', kind: 'text', required: true, role: 'key' },
      { name: 'total', path: 'sum.total', kind: 'amount', raw: 'total_raw' },
    ];
    await writeFile(spec, JSON.stringify({ table: 't', view: 'v', columns }));
    const alone = await runCli(['spec', '--check', '--spec', spec]);
    expect(alone.code).toBe(0);
    expect(alone.stdout).toMatch(/^id +\["id"\] +text, key, required +VARCHAR +Utf8$/m);
    expect(alone.stdout).toMatch(/^total +\["sum","total"\] +amount +DECIMAL\(18,4\) +Decimal/m);
    const lines = [
      '{"id":"a","sum":{"total":"1.5"}}',
      '{"id":"b","sum":{"total":"x"}}',
      '{"sum":{}}',
      '[1]',
      '{"id":"\xff"}',
    ];
    await writeFile(file, Buffer.from(lines.join('\n'), 'latin1'));
    const { code, stdout } = await runCli(['spec', '--check', file, '--spec', spec]);
    expect(code).toBe(1);
    expect(stdout).toContain('5 messages: 2 rows\n');
    expect(stdout).toContain('1 would be quarantined as missing_required; the first is message 3: no id\n');
    expect(stdout).toContain('1 would be quarantined as not_object; the first is message 4 at byte 0\n');
    expect(stdout).toContain('1 would be quarantined as malformed; the first is message 5 at byte 7\n');
    expect(stdout).toMatch(/^total +1 +1$/m);
  });

  it.each([
    [['--preset', 'oracle'], 'there is no preset oracle: choose one of capture, debezium'],
    [[], 'sluice spec needs --list, --preset NAME, --infer TOPIC|FILE, --check'],
    [['--list', '--preset', 'debezium'], 'sluice spec needs --list, --preset NAME, --infer TOPIC|FILE, --check'],
    [['--infer', 'no/such.jsonl'], 'there is no file no/such.jsonl, and no topic can have this name'],
    [['--infer', '.', '--sample', '0'], '--sample must be an integer from 1 to 999999, not 0'],
    [['--infer', '.'], 'there is no file ., and no topic can have this name'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await runCli(['spec', ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});

it('says that there is no file, where no broker answers for a topic', async () => {
  const env = { KAFKA_BROKERS: '127.0.0.1:1' };
  const { code, stderr } = await runCli(['spec', '--check', 'nowhere'], { env });
  expect(code).toBe(3);
  expect(stderr).toMatch(/SLUICE_KAFKA_UNREACHABLE.*there is no file nowhere, so it must be a topic: no broker of/);
});

describeKafka('of a topic', (bootstrap) => {
  const env = () => ({ KAFKA_BROKERS: bootstrap() });

  it('is inferred from the first messages of each partition, with their keys', async () => {
    const topic = uniqueTopic('shop.orders');
    await createTopic(bootstrap(), topic, 3);
    const value = (n: number) =>
      JSON.stringify({ op: 'c', before: null, after: { order: n, [`first_${n < 2}`]: 'x' } });
    const of = (partition: number, n: number) => ({ partition, key: `{"order":${n}}`, value: value(n) });
    await produce(bootstrap(), topic, [of(0, 0), of(0, 1), of(0, 2), of(2, 0), of(2, 1), of(2, 2)]);
    const { code, stdout } = await runCli(['spec', '--infer', topic, '--sample', '2'], { env: env() });
    expect(code).toBe(0);
    const spec = JSON.parse(stdout);
    expect(spec.comment).toContain('Inferred from 4 messages in the form of preset:debezium.');
    expect(spec.columns.map(({ name }: { name: string }) => name)).toEqual([
      'order',
      'operation',
      'event_time',
      'first_true',
    ]);
    expect(spec.columns[0].paths).toEqual(['after.order', 'before.order', { key: 'order' }]);
  });

  it('says that there is none', async () => {
    const { code, stderr } = await runCli(['spec', '--infer', 'nowhere'], { env: env() });
    expect([code, stderr]).toEqual([3, expect.stringContaining('SLUICE_UNKNOWN_TOPIC')]);
  });

  it('behind a registry is inferred from what its frames hold, and from the schema', async () => {
    const registry = await FakeRegistry.start();
    const topic = uniqueTopic('shop.orders');
    const key = { type: 'record', name: 'Key', fields: [{ name: 'id', type: 'long' }] };
    const fields = [
      { name: 'id', type: 'long' },
      { name: 'total', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
      { name: 'paid', type: ['null', { type: 'long', logicalType: 'timestamp-micros' }] },
    ];
    const envelope = {
      type: 'record',
      name: 'Envelope',
      fields: [
        { name: 'before', type: ['null', { type: 'record', name: 'Row', fields }] },
        { name: 'after', type: ['null', 'Row'] },
        { name: 'op', type: 'string' },
      ],
    };
    const ids = [registry.register(`${topic}-key`, key), registry.register(`${topic}-value`, envelope)];
    await createTopic(bootstrap(), topic, 1);
    const after = { id: 1n, total: decimalBytes(1250n), paid: null };
    const value = avroType(envelope).toBuffer({ before: null, after, op: 'c' });
    const keyBytes = avroType(key).toBuffer({ id: 1n });
    const headers = { __value_schema_id: framed(ids[1], ''), __key_schema_id: framed(ids[0], '') };
    await produce(bootstrap(), topic, [
      { key: framed(ids[0], keyBytes), value: framed(ids[1], value) },
      { key: keyBytes, value, headers },
      { key: keyBytes, value: framed(99, value), headers: { __key_schema_id: headers.__key_schema_id } },
    ]);
    const formats = { VALUE_FORMAT: 'avro', KEY_FORMAT: 'avro', SCHEMA_REGISTRY_URL: registry.url };
    const { code, stdout, stderr } = await runCli(['spec', '--infer', topic], { env: { ...env(), ...formats } });
    expect(code, stderr).toBe(0);
    const { comment, columns } = JSON.parse(stdout);
    expect(comment).toContain(
      'Inferred from 3 messages in the form of preset:debezium, 1 of which are in another form',
    );
    expect(columns).toMatchObject([
      { name: 'id', paths: ['after.id', 'before.id', { key: 'id' }], role: 'key' },
      { name: 'operation' },
      { name: 'event_time' },
      { name: 'total', kind: 'amount', raw: 'total_raw' },
      { name: 'paid', kind: 'timestamp', unit: 'us' },
    ]);
    expect(columns[3]).not.toHaveProperty('encoding');
    expect(stderr).toMatch(/SLUICE_UNKNOWN_SCHEMA.*does not know the schema id 99/);
  });
});
