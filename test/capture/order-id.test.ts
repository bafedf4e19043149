import { Binary, BSON, Decimal128, Double, Int32, Long, MaxKey, MinKey, ObjectId, Timestamp } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { documentOf, memberOf } from '../../src/capture/bson.js';
import { markerId, orderIdOf } from '../../src/capture/order-id.js';
import { anyValue } from '../support/bson-kinds.js';
import { Random } from '../support/random.js';

const HEX = '65f0123456789abcdef01234';

/** The order id of a value as it is stored in a document. */
const idOf = (value: unknown) => orderIdOf(memberOf(documentOf(BSON.serialize({ value })), 'value'));

describe('orderIdOf', () => {
  it.each<[string, unknown, string, string, string]>([
    ['a string', 'ORD-1', 'ORD-1', 'string', 'ORD-1'],
    ['an empty string', '', '', 'string', ''],
    ['digits', '10', '10', 'string', '"10"'],
    ['digits between blanks', ' 10\n', ' 10\n', 'string', '" 10\\n"'],
    ['digits that no number begins with', '0010', '0010', 'string', '0010'],
    ['a word of JSON', 'null', 'null', 'string', '"null"'],
    ['a JSON object as text', '{"a":1}', '{"a":1}', 'string', '"{\\"a\\":1}"'],
    ['text that only begins as JSON', '{a', '{a', 'string', '{a'],
    ['a key of another string', '"10"', '"10"', 'string', '"\\"10\\""'],
    ['hex digits of an ObjectId', HEX, HEX, 'string', `"${HEX}"`],
    ['the order id of a marker', 'snapshot:1', 'snapshot:1', 'string', '"snapshot:1"'],
    ['an ObjectId', new ObjectId(HEX), HEX, 'objectId', HEX],
    ['a 32-bit integer', new Int32(-5), '-5', 'number', '-5'],
    ['a 64-bit integer', Long.fromString('9007199254740993'), '9007199254740993', 'number', '9007199254740993'],
    ['a whole double', new Double(10), '10', 'number', '10'],
    ['a large double', new Double(2 ** 60), '1152921504606846976', 'number', '1152921504606846976'],
    ['a double beyond integers', new Double(1e21), '1e+21', 'number', '1e+21'],
    ['a fraction', new Double(0.5), '0.5', 'number', '0.5'],
    ['a decimal', Decimal128.fromString('1.50'), '{"$numberDecimal":"1.50"}', 'number', '{"$numberDecimal":"1.50"}'],
    ['true', true, 'true', 'bool', 'true'],
    ['null', null, 'null', 'null', 'null'],
    ['a document', { a: new Int32(1) }, '{"a":1}', 'object', '{"a":1}'],
    ['the least key', new MinKey(), '{"$minKey":1}', 'minKey', '{"$minKey":1}'],
    ['the greatest key', new MaxKey(), '{"$maxKey":1}', 'maxKey', '{"$maxKey":1}'],
  ])('is of %s its text, its type and a key', (_, value, text, type, key) => {
    expect(idOf(value)).toEqual({ text, type, key });
  });

  it.each<[unknown, string]>([
    [new Date(5), 'date'],
    [new Binary(Buffer.from([1])), 'binData'],
    [new Timestamp({ t: 1, i: 2 }), 'timestamp'],
    [[1], 'array'],
  ])('calls the type of %s %s', (value, type) => {
    expect(idOf(value).type).toBe(type);
  });

  it('is null if there is none', () => {
    expect(orderIdOf(undefined)).toEqual({ text: 'null', type: 'null', key: 'null' });
  });

  it('tells values apart that look alike: each and the strings that it is written as', () => {
    const random = new Random(17);
    const values = Array.from({ length: 3000 }, () => anyValue(random));
    const keys = new Map<string, string>();
    const identities = new Map<string, string>();
    for (const value of values) {
      const { text, key } = idOf(value);
      for (const each of [value, text, key, JSON.stringify(text)]) {
        const id = idOf(each);
        const identity = JSON.stringify([id.text, id.type]);
        // One key for one identity, and the other way round.
        expect(keys.get(id.key) ?? identity).toBe(identity);
        expect(identities.get(identity) ?? id.key).toBe(id.key);
        keys.set(id.key, identity);
        identities.set(identity, id.key);
      }
    }
  });

  it('does not make two integers of 64 bits one that a double rounds to the same digits', () => {
    expect(idOf(new Double(2 ** 60)).key).not.toBe(idOf(Long.fromString('1152921504606847000')).key);
  });
});

describe('markerId', () => {
  it('has a key of its own for each end, which no document has', () => {
    const begin = markerId('65', 'begin');
    const end = markerId('65', 'end');
    expect(begin.text).toBe(end.text);
    expect(begin.key).not.toBe(end.key);
    for (const { text, type, key } of [begin, end]) {
      expect(idOf(text).type).not.toBe(type);
      expect(idOf(key).key).not.toBe(key);
    }
  });
});
