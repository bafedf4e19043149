import { expect, it } from 'vitest';
import { schemaHints } from '../../src/registry/schema-hints.js';
import { inferSpec } from '../../src/schema/infer.js';

const connect = (type: string, name: string, more: object = {}) => ({ type, 'connect.name': name, ...more });
const DEBEZIUM = 'io.debezium.time';
const CONNECT = 'org.apache.kafka.connect.data';

const avro = (type: unknown) => {
  const inner = { type: 'record', name: 'Row', fields: [{ name: 'field', type }] };
  const fields = [{ name: 'after', type: ['null', inner] }];
  return schemaHints('avro', JSON.stringify({ type: 'record', name: 'Envelope', fields }), [])(['after', 'field']);
};

it.each([
  [{ type: 'long', logicalType: 'timestamp-millis' }, { kind: 'timestamp' }],
  [['null', { type: 'long', logicalType: 'timestamp-micros' }], { kind: 'timestamp', unit: 'us' }],
  [connect('long', `${DEBEZIUM}.MicroTimestamp`), { kind: 'timestamp', unit: 'us' }],
  [connect('long', `${CONNECT}.Timestamp`, { logicalType: 'timestamp-millis' }), { kind: 'timestamp' }],
  [connect('int', `${DEBEZIUM}.Date`), { kind: 'date', unit: 'd' }],
  // Text by then.
  [connect('int', `${CONNECT}.Date`, { logicalType: 'date' }), { kind: 'date' }],
  [
    connect('bytes', `${CONNECT}.Decimal`, { logicalType: 'decimal', scale: 2, precision: 9 }),
    { kind: 'amount', raw: true },
  ],
  [
    connect('bytes', `${CONNECT}.Decimal`, { logicalType: 'decimal', scale: 10, precision: 38 }),
    { kind: 'decimal', precision: 38, scale: 10 },
  ],
  ['bytes', { kind: 'binary' }],
  [{ type: 'string', logicalType: 'uuid' }, { kind: 'uuid' }],
  [connect('string', `${DEBEZIUM.replace('time', 'data')}.Uuid`), { kind: 'uuid' }],
  [['null', 'double'], { kind: 'amount', isWeak: true, isFraction: true }],
  ['boolean', { kind: 'bool', isWeak: true }],
  [['null', 'long', 'string'], undefined],
  ['null', undefined],
])('%j in Avro', (type, expected) => {
  expect(avro(type)).toEqual(expected);
});

it('no field of the schema', () => {
  const hintOf = schemaHints('avro', '{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}', []);
  expect([hintOf(['b']), hintOf(['a', 'b'])]).toEqual([undefined, undefined]);
});

const json = (field: object) => {
  const root = { type: 'object', properties: { after: { oneOf: [{ type: 'null' }, { $ref: '#/definitions/row' }] } } };
  const definitions = { row: { type: 'object', properties: { field } } };
  return schemaHints('json-schema', JSON.stringify({ ...root, definitions }), [])(['after', 'field']);
};

it.each([
  [
    { type: 'integer', title: `${DEBEZIUM}.MicroTimestamp`, 'connect.type': 'int64' },
    { kind: 'timestamp', unit: 'us' },
  ],
  [{ oneOf: [{ type: 'null' }, { type: 'integer', title: `${DEBEZIUM}.Date` }] }, { kind: 'date', unit: 'd' }],
  [
    { type: 'string', title: `${CONNECT}.Decimal`, 'connect.type': 'bytes', 'connect.parameters': { scale: '2' } },
    { kind: 'amount', raw: true, encoding: 'base64', scale: 2 },
  ],
  [
    { type: 'string', title: `${CONNECT}.Decimal`, 'connect.type': 'bytes', 'connect.parameters': { scale: '10' } },
    { kind: 'decimal', precision: 38, encoding: 'base64', scale: 10 },
  ],
  [{ type: 'string', format: 'date-time' }, { kind: 'timestamp' }],
  [{ type: ['null', 'string'], format: 'date' }, { kind: 'date' }],
  [{ type: 'string', 'connect.type': 'bytes' }, { kind: 'binary' }],
  [{ type: 'number' }, { kind: 'amount', isWeak: true, isFraction: true }],
  [{ type: ['integer', 'string'] }, undefined],
  [{}, undefined],
])('%j in JSON Schema', (field, expected) => {
  expect(json(field)).toEqual(expected);
});

it('goes before a guess where it is sure, or there are no values', () => {
  const fields = [
    { name: 'id', type: 'long' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'price', type: 'double' },
    { name: 'on', type: ['null', 'boolean'] },
    { name: 'code', type: 'string' },
  ];
  const hintOf = schemaHints('avro', JSON.stringify({ type: 'record', name: 'R', fields }), []);
  const value = JSON.stringify({ id: 1, at: 5, price: 5, on: null, code: '2025-01-08' });
  const spec = JSON.parse(inferSpec([{ key: null, value }], 'orders', hintOf)) as { columns: { name: string }[] };
  const columns = Object.fromEntries(spec.columns.map(({ name, ...column }) => [name, column]));
  expect(columns).toMatchObject({
    at: { kind: 'timestamp', unit: 'us' },
    price: { kind: 'amount' },
    on: { kind: 'bool' },
    code: { kind: 'date' },
  });
});
