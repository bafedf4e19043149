/** A quarantined message is of a key by the key's column if it can be read, else by a word. */
import { expect, it } from 'vitest';
import { type KeyMatcherOptions, keyMatcher } from '../../src/commands/key-matcher.js';
import { roleColumn } from '../../src/schema/spec.js';
import { parseSpec } from '../../src/schema/spec-file.js';

const SPEC = parseSpec(
  JSON.stringify({
    ...{ table: 'log', view: 'newest', embedded: ['doc'] },
    columns: [{ name: 'id', paths: ['doc.id', 'id', { key: 'id' }], kind: 'text', required: true, role: 'key' }],
  }),
  'of the test',
);

const isOf = (id: string, key: string | Buffer | null, value: string | Buffer | null, formats = {}) => {
  const column = roleColumn(SPEC, 'key')!;
  const options: KeyMatcherOptions = {
    ...{
      id,
      topic: 't',
      column,
      cipher: undefined,
      knownKeyId: undefined,
      onUnopened() {},
      valueFormat: 'json',
      keyFormat: 'json',
    },
    ...formats,
  };
  const bytes = (part: string | Buffer | null) => (part === null ? null : Buffer.from(part as string));
  return keyMatcher(options)(bytes(key), bytes(value), { partition: 0, offset: 0 });
};

it.each<[boolean, string, string | null, string | null]>([
  [true, '42', null, '{"id":42,"quantity":7}'],
  [true, '42', null, '{"id":"42"}'],
  [false, '42', null, '{"id":7,"quantity":42}'],
  [false, '42', '{"id":42}', '{"id":7}'],
  [true, '42', '{"id":42}', '{"quantity":7}'],
  [true, 'abc', null, '{"id":{"$oid":"abc"}}'],
  [true, 'abc', null, JSON.stringify({ doc: JSON.stringify({ id: 'abc' }) })],
  [false, '9007199254740993', null, '{"id":9007199254740992}'],
  [true, '9007199254740993', null, '{"id":9007199254740993}'],
  // Of these nobody knows whose they are.
  [true, '42', null, '[{"id":42}]'],
  [true, '42', null, '{"di":42}'],
  [true, '42', null, '{"id":42'],
  [false, '42', null, '{"id":420'],
  [true, 'C-42', 'C-42', '{'],
  [true, 'caf\u00e9', null, '{"id":"caf\\u00e9'],
  [true, 'a"b', null, '{"id":"a\\"b'],
  [true, 'caf\u00e9', null, '{"doc":"{\\"id\\":\\"caf\\\\u00e9\\"'],
  [false, '42', null, null],
])('%s: %s is of key %s, value %s', (is, id, key, value) => {
  expect(isOf(id, key, value)).toBe(is);
});

it('finds a key anywhere in what is binary', () => {
  // The length of "user-1042-long-id-of-36-characters.." is the letter H.
  const avro = Buffer.from('Huser-1042', 'latin1');
  const framed = Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), avro]);
  expect(isOf('user-1042', null, avro)).toBe(false);
  expect(isOf('user-1042', null, avro, { valueFormat: 'avro' })).toBe(true);
  expect(isOf('user-1042', framed, null)).toBe(true);
  expect(isOf('user-1042', null, Buffer.concat([Buffer.from([1]), Buffer.alloc(16), avro]))).toBe(true);
  const json = Buffer.concat([framed.subarray(0, 5), Buffer.from('{"id":7,"quantity":42}')]);
  expect(isOf('42', null, json)).toBe(false);
  expect(isOf('7', null, json)).toBe(true);
});
