/** Topics behind a real schema registry, Apicurio, through the whole program. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { presetText } from '../../src/schema/spec-file.js';
import { consumedIs, queryFile, runEnv, runUntilEnd, startRun, stop, verifies } from '../e2e/support.js';
import { Apicurio } from '../support/apicurio.js';
import { avroOrder, avroType, decimalBytes, framed, ORDERS_AVRO } from '../support/avro.js';
import { CliProcess, runCli, temporaryDataDir } from '../support/cli.js';
import { orderEvents } from '../support/events.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { createTopic, produce, type TestMessage } from '../support/produce.js';
import { freePort } from '../support/server-process.js';

const EVENTS = 40_000;
const KILLS = 5;
const LONG_MS = 600_000;
const SMALL = { BATCH_ROWS: '500', COMMIT_ROWS: '1000', FLUSH_INTERVAL_MS: '50' };
const ORDERS_JSON = {
  type: 'object',
  properties: { change_id: { type: 'string' }, order_id: { type: 'string' }, amount: { type: ['number', 'string'] } },
};
const TYPE = avroType(ORDERS_AVRO);

type Fields = Record<string, unknown>;

describeKafka('with Apicurio', (bootstrap) => {
  let registry: Apicurio;
  beforeAll(async () => {
    registry = await Apicurio.start();
  }, LONG_MS);
  afterAll(() => registry?.stop());

  const orders = (count: number, seed = 1) =>
    [...orderEvents({ count, seed, shares: {} })].map(({ key, value, timestamp }) => ({
      key,
      timestamp,
      json: value!.toString(),
    }));
  const asAvro = (id: number, json: string, more: Fields = {}) =>
    framed(id, TYPE.toBuffer({ ...avroOrder(json), ...more }));

  /** An empty topic, and the environment of a run on it. */
  async function topicOf(valueFormat: string, partitions = 1, more: Record<string, string> = {}) {
    const topic = uniqueTopic('registry');
    await createTopic(bootstrap(), topic, partitions);
    const dataDir = await temporaryDataDir();
    const ofRegistry = { VALUE_FORMAT: valueFormat, SCHEMA_REGISTRY_URL: registry.url };
    return { topic, dataDir, env: runEnv(bootstrap(), topic, dataDir, { ...ofRegistry, ...more }) };
  }

  it.each(['avro', 'json-schema'])('VALUE_FORMAT=%s survives kill -9', { timeout: LONG_MS }, async (format) => {
    const { topic, dataDir, env } = await topicOf(format, 2, SMALL);
    const subject = `${topic}-value`;
    const id = await (format === 'avro'
      ? registry.register(subject, ORDERS_AVRO)
      : registry.register(subject, ORDERS_JSON, 'JSON'));
    const events = orders(EVENTS);
    const valueIn = (json: string) => (format === 'avro' ? asAvro(id, json) : framed(id, json));
    await produce(
      bootstrap(),
      topic,
      events.map(({ json, ...event }): TestMessage => ({ ...event, value: valueIn(json) })),
    );
    for (let kill = 0; kill < KILLS; kill++) {
      const run = await CliProcess.start(['run'], { env, timeoutMs: LONG_MS });
      await run.line(/"msg":"reading /);
      await new Promise((resolve) => setTimeout(resolve, 100 + kill * 150));
      run.kill('SIGKILL');
      await run.ended;
    }
    await runUntilEnd(env);
    await verifies(env);
    const [[rows, changes, ids]] = await queryFile(
      dataDir,
      `SELECT count(*)::INTEGER, count(DISTINCT change_id)::INTEGER,
         (SELECT array_to_string(list_distinct(flatten(list(schema_ids))), ' ') FROM sluice.batches) FROM cdc_orders`,
    );
    expect([rows, changes, ids]).toEqual([EVENTS, EVENTS, String(id)]);
    const read = await queryFile(
      dataDir,
      'SELECT order_id, customer_name FROM cdc_orders ORDER BY change_id LIMIT 100',
    );
    const wanted = events
      .map(({ json }) => JSON.parse(json) as { change_id: string; order_id: string; customer: { name: string } })
      .sort((one, other) => (one.change_id < other.change_id ? -1 : 1))
      .slice(0, 100);
    expect(read).toEqual(wanted.map(({ order_id, customer }) => [order_id, customer.name]));
  });

  it('a registry that is gone holds up new schemas only, and loses nothing', { timeout: LONG_MS }, async () => {
    const port = await freePort();
    const { topic, dataDir, env } = await topicOf('avro', 2, { METRICS_PORT: String(port) });
    const schemas = [ORDERS_AVRO, { ...ORDERS_AVRO, doc: 'the second one' }];
    const own = await Apicurio.start();
    const ids = [await own.register('a', schemas[0]), await own.register('b', schemas[1])];
    const run = await startRun({ ...env, SCHEMA_REGISTRY_URL: own.url });
    const [first, second, third] = [orders(100, 1), orders(50, 2), orders(50, 3)];
    const send = (events: typeof first, id: number, partition: number) =>
      produce(
        bootstrap(),
        topic,
        events.map(({ json }) => ({ partition, value: asAvro(id, json) })),
      );
    const at = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return `${response.status} ${await response.text()}`;
    };
    await send(first, ids[0], 0);
    await consumedIs(dataDir, 100);
    await own.stop();
    await send(second, ids[1], 1);
    await run.line(/SLUICE_REGISTRY/);
    await vi.waitFor(async () => expect(await at('/metrics')).toMatch('sluice_registry_waiting_batches 1'), 30_000);
    expect(await at('/healthz')).toMatch(/^200 ok; waiting: the schema registry .* cannot be used/);
    expect(await at('/readyz')).toMatch(/^503 not ready: the schema registry/);
    await send(third, ids[0], 0);
    await consumedIs(dataDir, 150);
    // It has lost all: until they are there again, it does not know them.
    await own.restart();
    expect([await own.register('a', schemas[0]), await own.register('b', schemas[1])]).toEqual(ids);
    await consumedIs(dataDir, 200);
    await vi.waitFor(async () => expect(await at('/readyz')).toMatch(/^200/));
    await own.stop();
    expect(await stop(run)).toMatchObject({ events: 200, quarantined: 0 });
    await verifies(env);
  });

  it('a schema that the spec cannot read is named when it comes', { timeout: LONG_MS }, async () => {
    const { topic, dataDir, env } = await topicOf('avro');
    const subject = `${topic}-value`;
    const [{ json }] = orders(1);
    const without = (name: string) => ({ ...ORDERS_AVRO, fields: ORDERS_AVRO.fields.filter((f) => f.name !== name) });
    const added = { name: 'added', type: ['null', 'string'], default: null };
    const compatible = { ...ORDERS_AVRO, fields: [...ORDERS_AVRO.fields, added] };
    await fetch(`${registry.url}/config/${subject}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ compatibility: 'NONE' }),
    });
    const ids = [
      await registry.register(subject, ORDERS_AVRO),
      await registry.register(subject, compatible),
      await registry.register(subject, without('order_id')),
    ];
    const order = avroOrder(json);
    const values = [ORDERS_AVRO, compatible, without('order_id')].map((schema, index) =>
      framed(ids[index], avroType(schema).toBuffer({ ...order, change_id: `c${index}`, added: 'new' })),
    );
    await produce(
      bootstrap(),
      topic,
      values.map((value) => ({ value })),
    );
    const result = await runCli(['run', '--until-end'], { env, timeoutMs: 120_000 });
    expect(result.code, result.stderr).toBe(0);
    const warnings = result.stderr.split('\n').filter((line) => /does not suit the table spec/.test(line));
    expect(warnings.map((line) => JSON.parse(line) as Fields)).toMatchObject([
      { column: 'order_id', field: 'order_id', schemaId: ids[2], subject, version: 3 },
    ]);
    expect(await queryFile(dataDir, 'SELECT change_id, extra FROM cdc_orders ORDER BY 1')).toEqual([
      ['c0', '{"note":null}'],
      ['c1', '{"note":null,"added":"new"}'],
    ]);
    expect(await queryFile(dataDir, 'SELECT reason, column_name FROM sluice.quarantine')).toEqual([
      ['missing_required', 'order_id'],
    ]);
  });

  it('an unknown id ends the run, or is quarantined if that is asked for', { timeout: LONG_MS }, async () => {
    const { topic, dataDir, env } = await topicOf('avro', 1, { SCHEMA_REGISTRY_UNKNOWN_WAIT: '1s' });
    const id = await registry.register(`${topic}-value`, ORDERS_AVRO);
    const unknown = 1_000_000;
    const [one, other] = orders(2);
    await produce(bootstrap(), topic, [{ value: asAvro(id, one.json) }, { value: asAvro(unknown, other.json) }]);
    const refused = await runCli(['run', '--until-end'], { env, timeoutMs: 120_000 });
    expect(refused.code).toBeGreaterThan(1);
    expect(refused.stderr).toMatch(/SLUICE_UNKNOWN_SCHEMA.*does not know the schema id 1000000/);
    expect(await queryFile(dataDir, 'SELECT * FROM sluice.batches')).toEqual([]);
    const args = ['run', '--until-end', '--on-unknown-schema', 'quarantine'];
    const result = await runCli(args, { env, timeoutMs: 120_000 });
    expect(result.code, result.stderr).toBe(0);
    expect(await queryFile(dataDir, 'SELECT reason, message_offset FROM sluice.quarantine')).toEqual([
      ['unknown_schema', 1n],
    ]);
    await verifies(env);
  });

  it('keys as Debezium writes them, in Avro with logical types of Connect', { timeout: LONG_MS }, async () => {
    const named = (type: string, name: string, more: Fields = {}) => ({ type, 'connect.name': name, ...more });
    const decimal = { logicalType: 'decimal', scale: 2, precision: 10, 'connect.parameters': { scale: '2' } };
    const row = {
      type: 'record',
      name: 'Value',
      fields: [
        { name: 'order_id', type: 'long' },
        { name: 'amount', type: ['null', named('bytes', 'org.apache.kafka.connect.data.Decimal', decimal)] },
        { name: 'updated_at', type: ['null', named('long', 'io.debezium.time.MicroTimestamp')] },
      ],
      'connect.name': 'shop.public.orders.Value',
    };
    const envelope = {
      ...{ type: 'record', name: 'Envelope', namespace: 'shop.public.orders' },
      fields: [
        { name: 'before', type: ['null', row], default: null },
        { name: 'after', type: ['null', 'Value'], default: null },
        { name: 'op', type: 'string' },
      ],
    };
    const keyOf = (fields: string[]) => ({
      ...{ type: 'record', name: 'Key', namespace: 'shop.public.orders' },
      fields: fields.map((name) => ({ name, type: 'long' })),
    });
    const spec = JSON.parse(presetText('debezium')) as { columns: Fields[] };
    const columns = spec.columns.map(({ encoding, scale, ...column }) => column);
    const file = join(await temporaryDataDir(), 'spec.json');
    await writeFile(file, JSON.stringify({ ...spec, columns }));
    const more = { KEY_FORMAT: 'avro', TABLE_SPEC: file, ...SMALL };
    const { topic, dataDir, env } = await topicOf('avro', 2, more);
    const valueId = await registry.register(`${topic}-value`, envelope);
    const keySchemas = [keyOf(['order_id']), { ...keyOf(['order_id']), doc: 'the second one' }];
    const keyIds = [
      await registry.register(`${topic}-key`, keySchemas[0]),
      await registry.register(`${topic}-key`, keySchemas[1]),
    ];
    const key = (id: number, of: number) => framed(keyIds[of], avroType(keySchemas[of]).toBuffer({ order_id: id }));
    const state = (id: number) => ({ order_id: id, amount: decimalBytes(BigInt(id)), updated_at: 1_000_000n });
    const value = (op: string, id: number) => {
      const [before, after] = op === 'd' ? [state(id), null] : [null, state(id)];
      return framed(valueId, avroType(envelope).toBuffer({ before, after, op }));
    };
    const count = 2000;
    const messages = Array.from({ length: count }, (_, id): TestMessage[] => {
      const of = id < count / 2 ? 0 : 1;
      const made = { partition: id % 2, key: key(id, of) };
      const change = (op: string) => ({ ...made, value: value(op, id) });
      return id % 2 === 0 ? [change('c'), change('u')] : [change('c'), change('d'), { ...made, value: null }];
    });
    await produce(bootstrap(), topic, messages.flat());
    const run = await CliProcess.start(['run'], { env, timeoutMs: LONG_MS });
    await run.line(/"msg":"reading /);
    run.kill('SIGKILL');
    await run.ended;
    await runUntilEnd(env);
    await verifies(env);
    const counts = 'SELECT operation, count(*)::INTEGER FROM cdc_orders GROUP BY ALL ORDER BY ALL';
    expect(await queryFile(dataDir, counts)).toEqual([
      ['delete', count],
      ['insert', count],
      ['update', count / 2],
    ]);
    const orders = 'SELECT count(*)::INTEGER, sum(amount)::VARCHAR, min(updated_at)::VARCHAR FROM orders';
    const even = (count / 2) * (count / 2 - 1);
    expect(await queryFile(dataDir, orders)).toEqual([[count / 2, (even / 100).toFixed(4), '1970-01-01 00:00:01+00']]);
    const ids = "SELECT array_to_string(list_sort(list_distinct(flatten(list(schema_ids)))), ' ') FROM sluice.batches";
    expect(await queryFile(dataDir, ids)).toEqual([[[valueId, ...keyIds].sort((a, b) => a - b).join(' ')]]);
  });
});
