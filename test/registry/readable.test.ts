import { describe, expect, it } from 'vitest';
import { unreadableColumns } from '../../src/registry/readable.js';
import { KINDS } from '../../src/schema/spec.js';
import { parseSpec } from '../../src/schema/spec-file.js';

const KEYS = [
  { name: 'id', kind: 'text', required: true, role: 'change_id' },
  { name: 'key', kind: 'text', required: true, role: 'key' },
];

/** The columns that cannot be read, of a spec with these columns beside its keys. */
function unreadable(type: 'AVRO' | 'JSON', schema: unknown, ...columns: object[]): string[] {
  const spec = parseSpec(JSON.stringify({ table: 't', view: 'v', columns: [...KEYS, ...columns] }), 'test');
  const found = unreadableColumns(spec, { id: 1, type, text: JSON.stringify(schema), references: [] }, 'value');
  return found.map(({ column }) => column);
}

const avro = (fields: Record<string, unknown>) => ({
  type: 'record',
  name: 'R',
  fields: Object.entries({ id: 'string', key: 'string', ...fields }).map(([name, type]) => ({ name, type })),
});
const json = (properties: object, more: object = {}) => ({
  type: 'object',
  properties: { id: { type: 'string' }, key: { type: ['string', 'null'] }, ...properties },
  ...more,
});

const NO_CONTAINER = KINDS.filter((kind) => kind !== 'text' && kind !== 'json');

describe('Avro', () => {
  it.each([
    ['boolean', ['amount', 'decimal', 'timestamp', 'date', 'int64', 'double', 'uuid', 'binary']],
    ['long', ['bool', 'uuid', 'binary']],
    ['string', ['bool']],
    ['bytes', ['amount', 'decimal', 'timestamp', 'date', 'int64', 'double', 'bool', 'uuid']],
    [{ type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }, ['bool']],
    [{ type: 'array', items: 'long' }, NO_CONTAINER],
    [{ type: 'map', values: 'long' }, ['bool']],
    [
      ['null', 'boolean', 'long'],
      ['uuid', 'binary'],
    ],
    ['null', []],
  ])('%j suits all kinds but %j', (type, refused) => {
    const columns = KINDS.map((kind) => ({ name: kind, path: 'f', kind, ...(kind === 'decimal' && { precision: 9 }) }));
    expect(columns.flatMap((column) => unreadable('AVRO', avro({ f: type }), column))).toEqual(refused);
  });

  it('has bytes that an amount in base64 takes', () => {
    const column = { name: 'c', path: 'f', kind: 'amount', encoding: 'base64', scale: 2 };
    expect(unreadable('AVRO', avro({ f: 'bytes' }), column)).toEqual([]);
    expect(unreadable('AVRO', avro({ f: 'boolean' }), column)).toEqual(['c']);
  });

  it('lacks a field that is required, at any depth', () => {
    const inner = avro({ b: 'int' });
    const column = (path: string, required: boolean) => ({ name: 'c', path, kind: 'int64', required });
    expect(unreadable('AVRO', avro({ a: ['null', { ...inner, name: 'I' }] }), column('a.b', true))).toEqual([]);
    expect(unreadable('AVRO', avro({ a: ['null', { ...inner, name: 'I' }] }), column('a.c', true))).toEqual(['c']);
    expect(unreadable('AVRO', avro({ a: 'int' }), column('a.c', true))).toEqual(['c']);
    expect(unreadable('AVRO', avro({}), column('a.c', false))).toEqual([]);
    expect(unreadable('AVRO', avro({ a: { type: 'map', values: 'int' } }), column('a.c', true))).toEqual([]);
    expect(unreadable('AVRO', avro({ id: 'null' }))).toEqual(['id']);
  });
});

describe('JSON Schema', () => {
  const column = { name: 'c', path: 'a.b', kind: 'int64', required: true };

  it.each([
    ['a type', json({ a: { type: 'object', properties: { b: { type: 'integer' } } } }), []],
    ['another type', json({ a: { type: 'object', properties: { b: { type: 'boolean' } } } }), ['c']],
    ['no such field', json({ a: { type: 'object', properties: { x: {} } } }), ['c']],
    ['a field of any type', json({ a: { properties: { b: true } } }), []],
    ['an object of anything', json({ a: { type: 'object' } }), []],
    [
      'a definition',
      json({ a: { $ref: '#/definitions/A' } }, { definitions: { A: { properties: { b: { type: 'array' } } } } }),
      ['c'],
    ],
    [
      'one of several',
      json({ a: { oneOf: [{ type: 'null' }, { type: 'object', properties: { b: { type: 'number' } } }] } }),
      [],
    ],
    ['none of several', json({ a: { oneOf: [{ type: 'null' }, { type: 'string' }] } }), ['c']],
    ['itself', { $ref: '#' }, []],
    ['what is elsewhere', json({ a: { $ref: 'other.json' } }), []],
  ])('%s', (_, schema, expected) => {
    expect(unreadable('JSON', schema, column)).toEqual(expected);
  });
});
