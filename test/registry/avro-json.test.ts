import { describe, expect, it } from 'vitest';
import { appendJson, stoppedAt } from '../../src/registry/avro-json.js';
import { parseAvroSchema } from '../../src/registry/avro-schema.js';
import { beginJson, jsonBytes, jsonEnd } from '../../src/registry/json-output.js';
import { avroOrder, avroType, decimalBytes, ORDERS_AVRO } from '../support/avro.js';
import { orderEvents } from '../support/events.js';
import { Random } from '../support/random.js';

/** The JSON text of a value in Avro, or why there is none. */
function json(schema: unknown, bytes: Uint8Array, references: readonly unknown[] = []): string {
  const texts = references.map((reference) => JSON.stringify(reference));
  beginJson();
  const problem = appendJson(parseAvroSchema(JSON.stringify(schema), texts), bytes, 0, bytes.length);
  return problem ?? Buffer.from(jsonBytes().subarray(0, jsonEnd())).toString();
}

const encoded = (schema: unknown, value: unknown) => avroType(schema).toBuffer(value);
const through = (schema: unknown, value: unknown) => json(schema, encoded(schema, value));
const decimal = (scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision: 40, scale });
const record = (name: string, fields: Record<string, unknown>, more: object = {}) => ({
  ...{ type: 'record', name, fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })) },
  ...more,
});

describe('Avro becomes JSON', () => {
  it.each([
    ['null', null, 'null'],
    ['boolean', true, 'true'],
    ['int', -2_147_483_648, '-2147483648'],
    ['float', Math.fround(0.1), '0.1'],
    ['float', Math.fround(16_777_216.5), '16777216'],
    ['double', 1e-7, '1e-7'],
    ['double', Number.NaN, '"NaN"'],
    ['double', Number.NEGATIVE_INFINITY, '"-Infinity"'],
    ['double', -0, '-0.0'],
    ['string', 'é "\\\n\u0001', '"é \\"\\\\\\u000a\\u0001"'],
    ['string', '', '""'],
    ['bytes', Buffer.from('Man'), '"TWFu"'],
    ['bytes', Buffer.from('Ma'), '"TWE="'],
    ['bytes', Buffer.from('M'), '"TQ=="'],
    [{ type: 'fixed', name: 'Two', size: 2 }, Buffer.from([0xff, 0xfe]), '"//4="'],
    [{ type: 'enum', name: 'Suit', symbols: ['HEARTS', 'CLUBS'] }, 'CLUBS', '"CLUBS"'],
    [{ type: 'array', items: 'int' }, [1, 2, 3], '[1,2,3]'],
    [{ type: 'array', items: 'int' }, [], '[]'],
    [{ type: 'map', values: 'int' }, { 'a"b': 1, c: 2 }, '{"a\\"b":1,"c":2}'],
    [['null', 'string'], null, 'null'],
    [['null', 'string'], 'x', '"x"'],
    [record('Empty', {}), {}, '{}'],
    [
      record('Outer', { a: 'int', inner: record('Inner', { b: ['null', 'int'] }) }),
      { a: 1, inner: { b: null } },
      '{"a":1,"inner":{"b":null}}',
    ],
    [{ type: 'int', logicalType: 'time-millis' }, 20_000, '20000'],
    [{ type: 'string', logicalType: 'uuid' }, 'u', '"u"'],
  ])('%j %j', (schema, value, expected) => {
    expect(through(schema, value)).toBe(expected);
  });

  it('integers of 64 bits are exact', () => {
    const random = new Random(5);
    const limits = [0n, 1n, -1n, 2n ** 31n, 999_999_999n, 10n ** 9n, 2n ** 52n - 1n, 2n ** 52n, 2n ** 53n + 1n];
    const values = [...limits, ...limits.map((limit) => -limit), 2n ** 63n - 1n, -(2n ** 63n)];
    for (let index = 0; index < 2000; index++) {
      const bits = BigInt(random.below(2 ** 32)) * 2n ** 32n + BigInt(random.below(2 ** 32));
      values.push(BigInt.asIntN(64, bits) >> BigInt(random.below(63)));
    }
    for (const value of values) expect(through('long', value)).toBe(String(value));
  });

  it('decimals have their scale, of any size', () => {
    const random = new Random(6);
    const text = (unscaled: bigint, scale: number) => {
      const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
      const [whole, fraction] = [digits.slice(0, digits.length - scale), digits.slice(digits.length - scale)];
      return `"${unscaled < 0n ? '-' : ''}${whole}${scale > 0 ? `.${fraction}` : ''}"`;
    };
    const values = [0n, 5n, -5n, 127n, 128n, -128n, -129n, 2n ** 47n - 1n, 2n ** 47n, -(2n ** 47n), 10n ** 30n];
    for (let index = 0; index < 500; index++) values.push(BigInt(random.below(2 ** 32)) ** 3n - 2n ** 90n);
    for (const [index, value] of values.entries()) {
      for (const scale of [0, 2, index % 20]) {
        expect(json(decimal(scale), encoded('bytes', decimalBytes(value)))).toBe(text(value, scale));
      }
    }
    expect(json(decimal(2), encoded('bytes', Buffer.alloc(0)))).toBe('"0.00"');
    const fixed = { type: 'fixed', name: 'Amount', size: 8, logicalType: 'decimal', precision: 18, scale: 4 };
    expect(json(fixed, Buffer.from('ffffffffffffd8f0', 'hex'))).toBe('"-1.0000"');
  });

  it.each([-1, 0.5, 10_001, 2 ** 30, '2'])('a decimal of scale %j is bytes', (scale) => {
    expect(json({ ...decimal(0), scale }, encoded('bytes', Buffer.from('Man, Man')))).toBe('"TWFuLCBNYW4="');
  });

  it('days are dates', () => {
    const date = { type: 'int', logicalType: 'date' };
    const iso = (day: number) => `"${new Date(day * 86_400_000).toISOString().slice(0, 10)}"`;
    for (let day = -719_528; day <= 2_932_896; day += 1499) expect(through(date, day)).toBe(iso(day));
    for (const day of [-719_528, -719_469, -719_468, -1, 0, 11_015, 11_016, 11_017, 2_932_896]) {
      expect(through(date, day)).toBe(iso(day));
    }
    expect(through(date, 2_932_897)).toBe('2932897');
    expect(through(date, -719_529)).toBe('-719529');
  });

  it('32-bit floats read back, and no shorter text does', () => {
    const random = new Random(7);
    for (let index = 0; index < 2000; index++) {
      const value = Math.fround((random.next() - 0.5) * 10 ** (random.below(60) - 30));
      const text = through('float', value);
      expect(Math.fround(Number(text))).toBe(value);
      expect(text.length).toBeLessThanOrEqual(String(value).length);
    }
  });

  it('types are found by their names, within namespaces, in themselves, and in references', () => {
    const tree = record('Tree', { value: 'int', children: { type: 'array', items: 'Tree' } }, { namespace: 'a.b' });
    const grown = { value: 1, children: [{ value: 2, children: [] }] };
    expect(through(tree, grown)).toBe('{"value":1,"children":[{"value":2,"children":[]}]}');
    const address = record('Address', { street: 'string' }, { namespace: 'shop' });
    const person = record('Person', { home: 'shop.Address', work: ['null', 'Address'] }, { namespace: 'shop' });
    const whole = record('Person', { home: address, work: ['null', 'Address'] }, { namespace: 'shop' });
    const bytes = encoded(whole, { home: { street: 'x' }, work: { street: 'y' } });
    expect(json(person, bytes, [address])).toBe('{"home":{"street":"x"},"work":{"street":"y"}}');
    expect(() => json(person, bytes)).toThrow('"shop.Address" is not defined');
  });

  it('reads blocks that say their size', () => {
    // -2 items in 2 bytes: 3, 4; then none.
    expect(json({ type: 'array', items: 'int' }, Buffer.from([3, 4, 6, 8, 0]))).toBe('[3,4]');
  });

  it('equals what avsc and JSON.stringify make of orders', () => {
    const type = avroType(ORDERS_AVRO);
    for (const { value } of orderEvents({ count: 500, shares: {} })) {
      const bytes = type.toBuffer(avroOrder(value!.toString()));
      const read = JSON.parse(json(ORDERS_AVRO, bytes)) as { amount: string; event_time: number; items: object[] };
      const wanted = type.fromBuffer(bytes) as { event_time: bigint; items: object[] };
      const { amount, items, ...rest } = read;
      expect(rest).toEqual({ ...wanted, amount: undefined, items: undefined, event_time: Number(wanted.event_time) });
      expect(amount).toMatch(/^\d+\.\d\d$/);
      expect(items).toHaveLength(wanted.items.length);
    }
  });
});

describe('bytes that are not of the schema', () => {
  it('are malformed, wherever they are cut off, and leave nothing behind', () => {
    const [{ value }] = orderEvents({ count: 1, shares: {} });
    const bytes = encoded(ORDERS_AVRO, avroOrder(value!.toString()));
    const type = parseAvroSchema(JSON.stringify(ORDERS_AVRO));
    beginJson();
    for (let length = 0; length < bytes.length; length++) {
      expect(appendJson(type, bytes, 0, length), `${length} bytes`).toBe('malformed');
      expect(stoppedAt()).toBeLessThanOrEqual(length);
      expect(jsonEnd()).toBe(0);
    }
    expect(appendJson(type, Buffer.concat([bytes, Buffer.from([0])]), 0, bytes.length + 1)).toBe('malformed');
    expect(appendJson(type, bytes, 0, bytes.length)).toBeUndefined();
  });

  it.each([
    ['a length below zero', 'string', [1]],
    ['a branch that is not there', ['null', 'string'], [4]],
    ['a symbol that is not there', { type: 'enum', name: 'E', symbols: ['A'] }, [2]],
    ['a boolean of 2', 'boolean', [2]],
    ['an integer of 11 bytes', 'long', [255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]],
    ['an integer of 65 bits', 'long', [255, 255, 255, 255, 255, 255, 255, 255, 255, 3]],
  ])('%s', (_, schema, bytes) => {
    expect(json(schema, Buffer.from(bytes))).toBe('malformed');
  });

  it('cannot say more items that take no byte than 65,536', () => {
    const nulls = { type: 'array', items: 'null' };
    const said = (...counts: bigint[]) =>
      json(nulls, Buffer.concat([...counts.map((count) => encoded('long', count)), Buffer.from([0])]));
    expect(said(2n ** 16n)).toBe(
      `[${Array(2 ** 16)
        .fill('null')
        .join()}]`,
    );
    expect(said(2n ** 15n, 2n ** 15n + 1n)).toBe('too_large');
    // Of the next message, as many again.
    expect(said(2n ** 16n)).not.toBe('too_large');
  });

  it('cannot nest without end, nor fill the memory', () => {
    const list = record('List', { next: ['null', 'List'] });
    expect(json(list, Buffer.concat([Buffer.alloc(5000, 2), Buffer.from([0])]))).toBe('malformed');
    const nulls = Buffer.concat([encoded('long', 2n ** 40n), Buffer.from([0])]);
    const items = record('Wide', { ['n'.repeat(10_000)]: 'null' });
    expect(json({ type: 'array', items }, nulls)).toBe('too_large');
  });
});
