import { describe, expect, it } from 'vitest';
import { sampleEvents } from '../../src/commands/sample-events.js';
import { inferSpec, type RawMessage } from '../../src/schema/infer.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { cdcForms } from '../support/cdc-forms.js';
import { messagesOf } from '../support/kernel.js';
import { type ReferenceMessage, referenceRow } from '../support/reference.js';

const OPTIONS = { highValueThreshold: '1000', lateAfterMs: 0 };

const raw = ({ key = null, value }: { key?: Uint8Array | null; value: Uint8Array | null }): RawMessage => ({
  key: key && Buffer.from(key).toString(),
  value: value && Buffer.from(value).toString(),
});

const ofValues = (...values: readonly unknown[]) =>
  values.map((value): RawMessage => ({ key: null, value: JSON.stringify(value) }));

interface WrittenColumn {
  readonly name: string;
  readonly comment?: string;
  readonly [field: string]: unknown;
}

/** The columns as they are printed, by name. */
function columnsOf(sample: readonly RawMessage[], name = 'orders') {
  const text = inferSpec(sample, name);
  parseSpec(text, 'inferred');
  const columns = JSON.parse(text).columns as WrittenColumn[];
  return Object.fromEntries(columns.map(({ name, ...column }) => [name, column]));
}

describe('a spec that is inferred', () => {
  it.each(cdcForms())('reads every change of $name', ({ messages, about, expected }) => {
    const spec = parseSpec(inferSpec(messages.map(raw), 'shop.orders'), 'inferred');
    const results = messages.map((message) => referenceRow(spec, OPTIONS, message));
    const rejected = results.flatMap(({ status, column }, index) =>
      status !== 'ok' && expected[index].row !== undefined ? [{ about: about[index], status, column }] : [],
    );
    expect(rejected).toEqual([]);
    expect(results.some(({ row }) => row !== undefined)).toBe(true);
    // What a preset makes of an operation, it does as well.
    results.forEach(({ row }, index) => {
      if (row !== undefined && expected[index].row?.operation !== undefined) {
        expect([about[index], row.operation]).toEqual([about[index], expected[index].row.operation]);
      }
    });
  });

  it('reads our own events', () => {
    const events = [...sampleEvents(2000, 1_750_000_000_000)];
    const spec = parseSpec(inferSpec(events.map(raw), 'orders'), 'inferred');
    const whole = messagesOf(events.map(({ value }) => value)).filter(({ value }) => isJson(value));
    const results = whole.map((message) => referenceRow(spec, OPTIONS, message));
    expect(results.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(spec.columns.map(({ role }) => role).filter(Boolean)).toEqual([
      'key',
      'change_id',
      'operation',
      'event_time',
      'amount',
    ]);
  });

  it.each([
    ['integers', [1, 2], { kind: 'int64' }],
    ['decimals', [1.5, 2], { kind: 'amount', role: 'amount' }],
    ['decimals of five places', [1.23456, 2], { kind: 'double', comment: /four decimals/ }],
    ['numbers in texts', ['1', '2'], { kind: 'text', comment: /look like numbers: int64/ }],
    ['amounts in texts', ['$1,234.50', '3,10 EUR'], { kind: 'amount', raw: 'field_raw', comment: /look like amounts/ }],
    ['base64', ['AegS', '/gw='], { kind: 'text', comment: /base64/ }],
    ['milliseconds', [1736337600123, 1736337600124], { kind: 'timestamp', comment: /in ms .* unit is guessed/ }],
    ['microseconds', [1736337600123456, 1736337600123457], { kind: 'timestamp', unit: 'us', comment: /guessed/ }],
    ['large numbers', [1736337600, 1736337601], { kind: 'int64', comment: /look like times, in s/ }],
    ['texts with a time', ['2025-01-08T12:00:00Z', '2025-01-08T13:00:00+01:00'], { kind: 'timestamp' }],
    ['dates', ['2025-01-08', '2025-01-09'], { kind: 'date' }],
    [
      'extended JSON',
      [{ $date: { $numberLong: '1736337600123' } }, { $date: '2025-01-08T12:00:00Z' }],
      { kind: 'timestamp' },
    ],
    ['booleans', [true, false], { kind: 'bool' }],
    ['bytes', [{ $binary: { base64: 'AA==', subType: '00' } }], { kind: 'binary' }],
    ['UUIDs', [{ $binary: { base64: 'AA==', subType: '04' } }, { $uuid: 'a' }], { kind: 'uuid' }],
    ['arrays', [[], [1]], { kind: 'json' }],
    ['nothing but null', [null, null], { kind: 'text', comment: 'Only null was seen.' }],
    ['texts and numbers', ['a', 1], { kind: 'json', comment: 'Mixed: text 1 times, integer 1 times.' }],
    ['objects and texts', [{ a: 1 }, 'a'], { kind: 'json', comment: /Mixed: object 1 times/ }],
  ])('has the kind of %s', (_, values, expected) => {
    const { field } = columnsOf(ofValues(...values.map((value) => ({ id: 1, field: value }))));
    const { comment, ...column } = { comment: undefined, ...expected };
    expect(field).toMatchObject(JSON.parse(JSON.stringify(column)));
    if (comment === undefined) expect([undefined, 'The role is guessed.']).toContain(field.comment);
    else expect(field.comment).toMatch(comment);
  });

  it('requires no field of a document, which deletes do not have', () => {
    const insert = { change_id: '820001', operation: 'insert', order_id: 'o-1', amount: '1.50', status: 'new' };
    const spec = parseSpec(inferSpec(ofValues(insert, { ...insert, change_id: '820002' }), 'orders'), 'inferred');
    const [remove] = ofValues({ change_id: '820003', operation: 'delete', order_id: 'o-1' });
    const [message] = messagesOf([Buffer.from(remove.value!)]);
    expect(referenceRow(spec, OPTIONS, message)).toMatchObject({ status: 'ok', row: { operation: 'delete' } });
  });

  it('takes seconds for times if the name says so, and days for dates', () => {
    expect(columnsOf(ofValues({ id: 1, updated_at: 1736337600, ordered_on: 20096 }))).toMatchObject({
      updated_at: { kind: 'timestamp', unit: 's', role: 'event_time' },
      ordered_on: { kind: 'date', unit: 'd' },
    });
  });

  it('takes objects apart, and gives each column a name of its own', () => {
    const sample = ofValues(
      { id: 1, customer: { firstName: 'A', address: { 'zip.code': '1' } }, customer_first_name: 'B', __x: 1, Größe: 1 },
      { id: 2, customer: {}, customer_first_name: 'B', null: 1 },
    );
    expect(columnsOf(sample)).toEqual({
      id: { kind: 'text', required: true, role: 'key', comment: expect.stringContaining('Guessed') },
      customer_first_name: { path: 'customer.firstName', kind: 'text' },
      customer_address_zip_code: {
        path: ['customer', 'address', 'zip.code'],
        kind: 'text',
        comment: expect.stringContaining('look like numbers'),
      },
      customer_first_name_2: { path: 'customer_first_name', kind: 'text' },
      x: { path: '__x', kind: 'int64' },
      gr_e: { path: 'Größe', kind: 'int64' },
      null_2: { path: 'null', kind: 'int64' },
    });
  });

  it('keeps within 64 columns and 8 keys, and says what has no column', () => {
    const wide = Object.fromEntries(Array.from({ length: 70 }, (_, index) => [`f${index}`, index]));
    const text = inferSpec(ofValues({ id: 1, ...wide }), 'wide');
    expect(parseSpec(text, 'wide').columns).toHaveLength(64);
    expect(JSON.parse(text).comment).toContain('No column for 7 fields: f63, f64, f65, f66, f67, f68, f69.');
    let deep: unknown = 1;
    for (let depth = 0; depth < 12; depth++) deep = { d: deep };
    expect(columnsOf(ofValues({ id: 1, deep }))).toMatchObject({ deep_d_d_d_d_d_d_d: { kind: 'json' } });
  });

  it('takes types from the schema in the wrapper', () => {
    const decimal = { field: 'price', name: 'org.apache.kafka.connect.data.Decimal', parameters: { scale: '3' } };
    const time = { field: 'at', name: 'io.debezium.time.NanoTimestamp' };
    const schema = { fields: [{ field: 'after', fields: [decimal, time] }] };
    const payload = { op: 'c', before: null, after: { id: 1, price: 'AegS', at: 5 } };
    const columns = columnsOf([{ key: '{"id":1}', value: JSON.stringify({ schema, payload }) }]);
    expect(columns).toMatchObject({
      id: { paths: ['payload.after.id', 'payload.before.id', { key: 'id' }], role: 'key' },
      price: { path: 'payload.after.price', kind: 'amount', encoding: 'base64', scale: 3, raw: 'price_raw' },
      at: { kind: 'timestamp', unit: 'ns' },
    });
  });

  it('takes the message key for the key, whole if it has several fields', () => {
    const [{ value }] = ofValues({ op: 'c', before: null, after: { a: 1, b: 2 } });
    expect(columnsOf([{ key: '{"a":1,"b":2}', value }])).toMatchObject({ orders_key: { path: { key: [] } } });
    expect(columnsOf([{ key: 'k', value: '{"a":1}' }])).toMatchObject({ orders_key: { path: { key: [] } } });
    expect(columnsOf([{ key: '{"k":1}', value: '{"a":1}' }])).toMatchObject({ k: { path: { key: 'k' } } });
  });

  it('maps all words of the kind that an operation has', () => {
    const { op } = columnsOf(ofValues({ id: 1, op: 'I' }, { id: 1, op: 'U' }));
    expect(op).toMatchObject({ role: 'operation', operations: { I: 'insert', U: 'update', D: 'delete' } });
  });

  it.each([
    [[], 'none of its 0 messages is a JSON object'],
    [ofValues([1], 'a'), 'none of its 2 messages is a JSON object'],
    [ofValues({ a: 1 }), 'no field looks like a key'],
  ])('is refused for %j', (sample, message) => {
    expect(() => inferSpec(sample, 'orders')).toThrow(message);
  });
});

function isJson(value: ReferenceMessage['value']): boolean {
  try {
    return value !== null && JSON.parse(Buffer.from(value).toString()) !== null;
  } catch {
    return false;
  }
}
