import { Binary, BSON, Decimal128, Double, Int32, Long, MaxKey, ObjectId, Timestamp } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { documentOf, memberOf, TYPE, valueAt } from '../../src/capture/bson.js';
import { JsonText, jsonOf } from '../../src/capture/json.js';

/** A value as it is stored in a document. */
const read = (value: unknown) => memberOf(documentOf(BSON.serialize({ value })), 'value');

describe('jsonOf', () => {
  it.each<[string, unknown, string]>([
    ['a string', 'é"\n😀', '"é\\"\\n😀"'],
    ['true', true, 'true'],
    ['null', null, 'null'],
    ['a 32-bit integer', new Int32(-7), '-7'],
    ['a double', new Double(0.1), '0.1'],
    ['a whole double', new Double(3), '3'],
    ['a large double', new Double(1e21), '1e+21'],
    ['minus zero', new Double(-0), '-0'],
    ['NaN', new Double(Number.NaN), '{"$numberDouble":"NaN"}'],
    ['infinity', new Double(Number.NEGATIVE_INFINITY), '{"$numberDouble":"-Infinity"}'],
    ['a 64-bit integer', Long.fromString('9007199254740993'), '{"$numberLong":"9007199254740993"}'],
    ['a decimal', Decimal128.fromString('1234567890.10'), '{"$numberDecimal":"1234567890.10"}'],
    ['a date before 1970', new Date(-1), '{"$date":{"$numberLong":"-1"}}'],
    ['an ObjectId', new ObjectId('0123456789abcdef01234567'), '{"$oid":"0123456789abcdef01234567"}'],
    ['bytes', new Binary(Buffer.from([1, 255])), '{"$binary":{"base64":"Af8=","subType":"00"}}'],
    ['a timestamp', new Timestamp({ t: 1, i: 2 }), '{"$timestamp":{"t":1,"i":2}}'],
    ['the greatest key', new MaxKey(), '{"$maxKey":1}'],
    ['an array of documents', [{ a: new Int32(1) }, [], {}], '[{"a":1},[],{}]'],
  ])('writes %s', (_, value, text) => {
    expect(jsonOf(read(value))).toBe(text);
    expect(() => JSON.parse(text)).not.toThrow();
  });

  it('writes documents in their order', () => {
    expect(jsonOf(read({ b: 1, a: { 'd.e': null }, c: 'x' }))).toBe('{"b":1,"a":{"d.e":null},"c":"x"}');
  });

  it('writes text that is no UTF-8 with U+FFFD', () => {
    const bytes = Buffer.from(BSON.serialize({ value: 'a?c' }));
    bytes[bytes.indexOf('?')] = 0xff;
    const text = new JsonText();
    text.value(bytes, TYPE.document, 0);
    expect(text.take()).toEqual(Buffer.from('{"value":"a\ufffdc"}'));
  });
});

describe('valueAt', () => {
  it('follows a path of fields', () => {
    const document = documentOf(BSON.serialize({ a: { b: { c: 1 } }, s: 'text', l: [{ d: 2 }] }));
    const paths = ['a.b.c', 'a.x', 's.length', 'a.b', 'toString', 'l.0.d'];
    const found = paths.map((path) => valueAt(document, path)).map((value) => value && jsonOf(value));
    expect(found).toEqual(['1', undefined, undefined, '{"c":1}', undefined, '2']);
    expect(valueAt(undefined, 'a')).toBeUndefined();
  });
});
